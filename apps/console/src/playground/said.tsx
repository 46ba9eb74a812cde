// What the person has said, or what they answered in the place of a tool; their own words can be said anew.
import { Button, Image, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Turn } from './thread.ts'
import './words.ts'

interface SaidViewProps {
  readonly turn: Exclude<Turn, { by: 'model' }>
  /** Says it in other words, and forgets what came after. */
  readonly onEdit?: (text: string) => void
}

export function SaidView({ turn, onEdit }: SaidViewProps) {
  const { t } = useTranslation('playground')
  const [draft, setDraft] = useState<string>()
  return (
    <article className={`turn ${turn.by}`}>
      <header className="quiet">{t(turn.by === 'person' ? 'you' : 'tool')}</header>
      {turn.by === 'person' &&
        turn.images.map((url, place) => (
          <Image
            key={place}
            src={url}
            alt={t('imageOf', { number: place + 1 })}
            width={120}
            preview={false}
          />
        ))}
      {draft === undefined ? (
        <div className="words">{turn.text}</div>
      ) : (
        <Input.TextArea
          autoFocus
          className="grows"
          aria-label={t('edit')}
          value={draft}
          onChange={({ target: { value } }) => setDraft(value)}
        />
      )}
      {onEdit && (
        <footer>
          {draft === undefined ? (
            <Button size="small" type="text" onClick={() => setDraft(turn.text)}>
              {t('edit')}
            </Button>
          ) : (
            <>
              <Button
                size="small"
                type="primary"
                disabled={draft.trim() === ''}
                onClick={() => {
                  setDraft(undefined)
                  onEdit(draft)
                }}
              >
                {t('send')}
              </Button>
              <Button size="small" type="text" onClick={() => setDraft(undefined)}>
                {t('cancel')}
              </Button>
            </>
          )}
        </footer>
      )}
    </article>
  )
}
