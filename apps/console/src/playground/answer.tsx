// What a model has said, what it thought and wants to call, and what its answer took.
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Refusal } from './refusal.tsx'
import { Taken } from './taken.tsx'
import type { Answer } from './thread.ts'
import './words.ts'

interface AnswerViewProps {
  readonly answer: Answer
  readonly isComing?: boolean
  readonly onRetry?: () => void
}

function CopyButton({ text }: { readonly text: string }) {
  const { t } = useTranslation('playground')
  const [isCopied, setCopied] = useState(false)
  if (!('clipboard' in navigator)) return null
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <Button size="small" type="text" onClick={() => void copy()}>
      {t(isCopied ? 'copied' : 'copy')}
    </Button>
  )
}

export function AnswerView({ answer, isComing = false, onRetry }: AnswerViewProps) {
  const { t } = useTranslation('playground')
  const { model, text, thought, calls, told, refused, stopped } = answer
  const isEmpty = text === '' && thought === '' && calls.length === 0
  return (
    <article className="turn model">
      <header className="quiet">{model}</header>
      {thought !== '' && (
        <details open={isComing && text === ''}>
          <summary>{t('thought')}</summary>
          <div className="words quiet">{thought}</div>
        </details>
      )}
      {isComing && isEmpty && <div className="quiet">{t('thinking')}</div>}
      {text !== '' && <div className={isComing ? 'words coming' : 'words'}>{text}</div>}
      {calls.map(({ id, function: { name, arguments: given } }) => (
        <div key={id} className="tool-call">
          <span>{t('calls', { name })}</span>
          <pre>{given}</pre>
        </div>
      ))}
      {stopped && <div className="quiet">{t('stopped')}</div>}
      {told?.end === 'length' && <div className="quiet">{t('cut')}</div>}
      {refused && <Refusal refused={refused} />}
      {told && !refused && <Taken told={told} />}
      {!isComing && (
        <footer>
          {text !== '' && <CopyButton text={text} />}
          {onRetry && (
            <Button size="small" type="text" onClick={onRetry}>
              {t('retry')}
            </Button>
          )}
        </footer>
      )}
    </article>
  )
}
