// A document as YAML, whole and to be copied.
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Shown } from '../kinds/own.ts'
import { Editor } from '../parts/editor.tsx'
import { tell } from '../parts/messages.ts'
import { yamlOf } from './text.ts'
import './words.ts'

export default function YamlTab({ document }: Shown) {
  const { t } = useTranslation('write')
  const text = yamlOf(document)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    tell({ type: 'success', content: t('copied') })
  }
  return (
    <>
      <div className="tools">
        <Button onClick={() => void copy()}>{t('copy')}</Button>
      </div>
      <Editor value={text} label={t('yamlOf', { name: document.metadata.name })} />
    </>
  )
}
