// A secret that was just made, shown this once, with what to do with it.
import { Link } from '@tanstack/react-router'
import { Alert, Button, Typography } from 'antd'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Snippet } from '../parts/snippet.tsx'
import { handOver } from '../playground/handed.ts'
import './keys.css'
import { Snippets } from './snippets.tsx'
import './words.ts'

interface ShownOnceProps {
  readonly title: string
  readonly name: string
  readonly workspace: string
  readonly secret: string
  readonly models: readonly string[]
  readonly onDone: () => void
}

const hold = (event: BeforeUnloadEvent) => event.preventDefault()

export function ShownOnce({ title, name, workspace, secret, models, onDone }: ShownOnceProps) {
  const { t } = useTranslation('keys')
  // A reload would lose it: the browser asks first.
  useEffect(() => {
    addEventListener('beforeunload', hold)
    return () => removeEventListener('beforeunload', hold)
  }, [])
  return (
    <>
      <Alert className="secret" type="warning" showIcon title={title} description={t('made', { name })} />
      <div className="secret">
        <Snippet label={t('secret')} code={secret} />
      </div>
      <div className="tools">
        <Button type="primary" onClick={onDone}>
          {t('done')}
        </Button>
        <Link to="/playground" onClick={() => handOver({ secret, name, workspace })}>
          {t('try')}
        </Link>
      </div>
      <Typography.Title level={2} className="section">
        {t('calling')}
      </Typography.Title>
      <Snippets models={models} secret={secret} />
    </>
  )
}
