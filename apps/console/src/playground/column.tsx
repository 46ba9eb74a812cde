// One model and what was said with it.
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { AnswerView } from './answer.tsx'
import type { Column } from './keep.ts'
import { ModelPick } from './model-pick.tsx'
import { SaidView } from './said.tsx'
import { type Answer, openCalls } from './thread.ts'
import { ToolAnswer } from './tool-answer.tsx'
import './words.ts'

interface ColumnViewProps {
  readonly label: string
  readonly column: Column
  readonly model: string
  readonly models: readonly string[]
  /** The answer that is coming. */
  readonly coming: Answer | undefined
  readonly onModel: (model: string) => void
  /** Asks anew from the turns before that place. */
  readonly onRetry: (at: number) => void
  readonly onEdit: (at: number, text: string) => void
  readonly onAnswer: (call: string, text: string) => void
  readonly onStop: () => void
}

export function ColumnView(props: ColumnViewProps) {
  const { label, column, model, models, coming, onModel, onRetry, onEdit, onAnswer } = props
  const { t } = useTranslation('playground')
  const end = useRef<HTMLDivElement>(null)
  const { turns } = column
  const length = turns.length + (coming?.text.length ?? 0)
  useEffect(() => {
    if (length > 0) end.current?.scrollIntoView({ block: 'nearest' })
  }, [length])
  const isBusy = coming !== undefined
  const open = isBusy ? [] : openCalls(turns)
  return (
    <section className="column" aria-label={`${label}: ${model}`}>
      <ModelPick label={label} models={models} value={model} isBusy={isBusy} onChange={onModel} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard (WCAG 2.1.1) */}
      <div className="turns" role="log" aria-live="polite" aria-busy={isBusy} tabIndex={0} aria-label={model}>
        {turns.length === 0 && !coming && <p className="quiet">{t('empty')}</p>}
        {turns.map((turn, at) => {
          const key = `${at} ${turn.by}`
          if (turn.by === 'model')
            return (
              <AnswerView
                key={key}
                answer={turn}
                {...(!isBusy && at === turns.length - 1 && { onRetry: () => onRetry(at) })}
              />
            )
          return (
            <SaidView
              key={key}
              turn={turn}
              {...(!isBusy && turn.by === 'person' && { onEdit: (text: string) => onEdit(at, text) })}
            />
          )
        })}
        {coming && <AnswerView answer={coming} isComing />}
        {open.map(call => (
          <ToolAnswer key={call.id} call={call} onAnswer={text => onAnswer(call.id, text)} />
        ))}
        <div ref={end} />
      </div>
    </section>
  )
}
