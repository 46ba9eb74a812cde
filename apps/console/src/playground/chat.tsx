// A chat with one model, or with two side by side that are asked the same.
import { Button, Drawer, Modal, Tabs } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Caller } from '../api/gateway.ts'
import { curlOf, noKey, openaiPython, openaiTypescript } from '../keys/clients.ts'
import { Snippet } from '../parts/snippet.tsx'
import { useExchange } from '../session/context.tsx'
import { ColumnView } from './column.tsx'
import { Composer } from './composer.tsx'
import { type Column, keep, kept } from './keep.ts'
import { ParametersForm } from './parameters.tsx'
import { run } from './run.ts'
import { type Answer, bodyOf, openCalls, type Parameters, readJson, type Turn } from './thread.ts'
import './words.ts'

interface ChatProps {
  readonly caller: Caller
  readonly models: readonly string[]
  /** The one that a link has led to. */
  readonly wanted?: string | undefined
}

/** What is under way, by its column. */
type Running = Readonly<Record<string, { readonly answer: Answer; readonly ending: AbortController }>>

export function Chat({ caller, models, wanted }: ChatProps) {
  const { t } = useTranslation('playground')
  const exchange = useExchange()
  const [columns, setColumns] = useState<readonly Column[]>(() =>
    kept().columns.map((column, place) =>
      place === 0 && wanted !== undefined ? { ...column, model: wanted } : column,
    ),
  )
  const [parameters, setParameters] = useState<Parameters>(() => kept().parameters)
  const [running, setRunning] = useState<Running>({})
  const [draft, setDraft] = useState('')
  const [isKept, setKept] = useState(true)
  const [isCode, setCode] = useState(false)
  const [isOpen, setOpen] = useState(false)
  const underWay = useRef(new Set<AbortController>())
  useEffect(() => {
    const all = underWay.current
    return () => {
      for (const ending of all) ending.abort()
    }
  }, [])
  useEffect(() => {
    const { workspace, project = '' } = caller
    setKept(keep({ columns, parameters, workspace, project }))
  }, [columns, parameters, caller])

  const modelOf = (column: Column) => (models.includes(column.model) ? column.model : (models[0] ?? ''))
  const change = (id: string, to: (column: Column) => Column) =>
    setColumns(all => all.map(column => (column.id === id ? to(column) : column)))

  /** Asks the model of a column to go on from these turns. */
  const ask = async (column: Column, turns: readonly Turn[]) => {
    const { id } = column
    const ending = new AbortController()
    underWay.current.add(ending)
    const show = (answer: Answer) => setRunning(now => ({ ...now, [id]: { answer, ending } }))
    const model = modelOf(column)
    change(id, one => ({ ...one, turns }))
    show({ by: 'model', model, text: '', thought: '', calls: [] })
    const body = bodyOf(model, turns, parameters)
    const answer = await run({ exchange, caller, body, signal: ending.signal, show })
    underWay.current.delete(ending)
    setRunning(now => Object.fromEntries(Object.entries(now).filter(([one]) => one !== id)))
    change(id, one => ({ ...one, turns: [...one.turns, answer] }))
  }
  const say = (text: string, images: readonly string[]) => {
    for (const column of columns) void ask(column, [...column.turns, { by: 'person', text, images }])
  }
  const answerCall = (column: Column, call: string, text: string) => {
    const turns: readonly Turn[] = [...column.turns, { by: 'tool', call, text }]
    if (openCalls(turns).length === 0) void ask(column, turns)
    else change(column.id, one => ({ ...one, turns }))
  }
  const stop = () => {
    for (const { ending } of Object.values(running)) ending.abort()
  }
  const compare = () =>
    setColumns(([first, second]) =>
      first && !second
        ? [first, { id: 'b', model: models.find(name => name !== first.model) ?? '', turns: [] }]
        : first
          ? [first]
          : [],
    )
  const isRunning = Object.keys(running).length > 0
  const wrong = [parameters.tools, parameters.format === 'json_schema' ? parameters.schema : ''].some(
    text => readJson(text).wrong !== undefined,
  )
  const waits = columns.some(({ turns }) => openCalls(turns).length > 0)
  const [first] = columns
  const next: readonly Turn[] = draft.trim() === '' ? [] : [{ by: 'person', text: draft, images: [] }]
  const body = first && {
    ...bodyOf(modelOf(first), [...first.turns, ...next], parameters),
    stream: true,
  }
  const where = { address: location.origin, key: noKey }
  return (
    <div className="playground">
      <aside aria-label={t('parameters')}>
        <ParametersForm parameters={parameters} onChange={setParameters} />
      </aside>
      <section className="chat">
        <div className="tools">
          <Button onClick={compare} disabled={isRunning}>
            {t(columns.length > 1 ? 'one' : 'compare')}
          </Button>
          <Button onClick={() => setCode(true)}>{t('code')}</Button>
          <Button className="narrow-only" onClick={() => setOpen(true)}>
            {t('parameters')}
          </Button>
          <span className="spring" />
          <Button
            onClick={() => setColumns(all => all.map(column => ({ ...column, turns: [] })))}
            disabled={isRunning || columns.every(({ turns }) => turns.length === 0)}
          >
            {t('clear')}
          </Button>
        </div>
        <div className={columns.length > 1 ? 'columns two' : 'columns'}>
          {columns.map((column, place) => (
            <ColumnView
              key={column.id}
              label={columns.length > 1 ? t('modelOf', { place: place + 1 }) : t('model')}
              column={column}
              model={modelOf(column)}
              models={models}
              coming={running[column.id]?.answer}
              onModel={model => change(column.id, one => ({ ...one, model }))}
              onRetry={at => void ask(column, column.turns.slice(0, at))}
              onEdit={(at, text) => {
                const turn = column.turns[at]
                if (turn?.by === 'person') void ask(column, [...column.turns.slice(0, at), { ...turn, text }])
              }}
              onAnswer={(call, text) => answerCall(column, call, text)}
              onStop={() => running[column.id]?.ending.abort()}
            />
          ))}
        </div>
        {!isKept && <p className="quiet">{t('notKept')}</p>}
        <Composer
          text={draft}
          onText={setDraft}
          isRunning={isRunning}
          isBlocked={wrong || waits}
          onSend={say}
          onStop={stop}
        />
      </section>
      <Drawer open={isOpen} onClose={() => setOpen(false)} title={t('parameters')}>
        <ParametersForm parameters={parameters} onChange={setParameters} />
      </Drawer>
      <Modal open={isCode} footer={null} width={820} title={t('codeTitle')} onCancel={() => setCode(false)}>
        <p>{t('codeHelp', { key: noKey })}</p>
        {body && (
          <Tabs
            items={[
              { key: 'curl', label: 'curl', children: <Snippet label="curl" code={curlOf(where, body)} /> },
              {
                key: 'python',
                label: 'Python',
                children: <Snippet label="Python" code={openaiPython(where, body)} />,
              },
              {
                key: 'typescript',
                label: 'TypeScript',
                children: <Snippet label="TypeScript" code={openaiTypescript(where, body)} />,
              },
            ]}
          />
        )}
      </Modal>
    </div>
  )
}
