// Where the next message is written, with images beside it.
import { Button, Input, Tooltip } from 'antd'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import './words.ts'

interface ComposerProps {
  readonly text: string
  readonly onText: (text: string) => void
  readonly isRunning: boolean
  /** Something has to be mended or answered first. */
  readonly isBlocked: boolean
  readonly onSend: (text: string, images: readonly string[]) => void
  readonly onStop: () => void
}

const mostBytes = 4 * 1024 * 1024

const read = (file: File) =>
  new Promise<string>((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(typeof reader.result === 'string' ? reader.result : '')
    reader.onerror = () => reject(reader.error ?? new Error('The file cannot be read.'))
    reader.readAsDataURL(file)
  })

export function Composer({ text, onText, isRunning, isBlocked, onSend, onStop }: ComposerProps) {
  const { t } = useTranslation('playground')
  const [images, setImages] = useState<readonly string[]>([])
  const [isTooLarge, setTooLarge] = useState(false)
  const files = useRef<HTMLInputElement>(null)
  const mayNot = isRunning || isBlocked || (text.trim() === '' && images.length === 0)
  const send = () => {
    if (mayNot) return
    onSend(text, images)
    onText('')
    setImages([])
  }
  const attach = async (chosen: FileList | null) => {
    const all = [...(chosen ?? [])]
    const fit = all.filter(({ size }) => size <= mostBytes)
    setTooLarge(fit.length < all.length)
    const read_ = await Promise.all(fit.map(read))
    setImages(before => [...before, ...read_])
    if (files.current) files.current.value = ''
  }
  return (
    <div className="composer">
      {images.length > 0 && (
        <div className="tools">
          {images.map((url, place) => (
            <span key={place} className="attached">
              <img src={url} alt={t('imageOf', { number: place + 1 })} />
              <Button
                size="small"
                aria-label={t('remove', { number: place + 1 })}
                onClick={() => setImages(before => before.filter((_, at) => at !== place))}
              >
                ×
              </Button>
            </span>
          ))}
          <span className="quiet">{t('attachHelp')}</span>
        </div>
      )}
      {isTooLarge && (
        <p role="alert" className="quiet">
          {t('tooLarge')}
        </p>
      )}
      <Input.TextArea
        aria-label={t('write')}
        placeholder={t('writeHere')}
        className="grows"
        value={text}
        onChange={({ target: { value } }) => onText(value)}
        onKeyDown={event => {
          // An input method takes Enter for itself while it composes.
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
          event.preventDefault()
          send()
        }}
      />
      <div className="tools">
        <input
          ref={files}
          type="file"
          accept="image/png,image/jpeg,image/gif,image/webp"
          multiple
          hidden
          aria-label={t('attach')}
          onChange={({ target }) => void attach(target.files)}
        />
        <Tooltip title={t('attachHelp')}>
          <Button onClick={() => files.current?.click()}>{t('attach')}</Button>
        </Tooltip>
        <span className="spring" />
        {isRunning ? (
          <Button onClick={onStop}>{t('stopNow')}</Button>
        ) : (
          <Button type="primary" onClick={send} disabled={mayNot}>
            {t('send')}
          </Button>
        )}
      </div>
    </div>
  )
}
