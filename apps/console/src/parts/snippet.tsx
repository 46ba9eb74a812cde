// A block of code that is copied whole: by the button, or by the keyboard once it has the focus.
import { Button } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import './snippet.css'
import './snippet-words.ts'

interface SnippetProps {
  /** What it is, for those who do not see it: `curl`, `openai for Python`. */
  readonly label: string
  readonly code: string
}

const shownMilliseconds = 2000

/** Copies; false where the browser keeps its clipboard to itself. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false // by http from elsewhere there is no clipboard: the text is selected instead
  }
}

export function Snippet({ label, code }: SnippetProps) {
  const { t } = useTranslation('snippet')
  const [told, setTold] = useState<'copied' | 'selected'>()
  const block = useRef<HTMLPreElement>(null)
  useEffect(() => {
    if (!told) return undefined
    const timer = setTimeout(() => setTold(undefined), shownMilliseconds)
    return () => clearTimeout(timer)
  }, [told])
  const copy = async () => {
    if (await copied(code)) setTold('copied')
    else if (block.current) {
      getSelection()?.selectAllChildren(block.current)
      setTold('selected')
    }
  }
  return (
    <figure className="snippet" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard (WCAG 2.1.1) */}
      <pre ref={block} tabIndex={0}>
        <code>{code}</code>
      </pre>
      <Button size="small" onClick={() => void copy()} aria-label={t('copyOf', { label })}>
        {told ? t(told) : t('copy')}
      </Button>
      <span className="unseen" role="status">
        {told ? t(told) : ''}
      </span>
    </figure>
  )
}
