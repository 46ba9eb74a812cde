// Examples for every official client, with this server's address, a model that can be chosen, and the key.
import { Select, Tabs, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Snippet } from '../parts/snippet.tsx'
import './keys.css'
import { type Client, clients, noKey } from './clients.ts'
import './words.ts'

interface SnippetsProps {
  readonly models: readonly string[]
  /** Undefined where it is not known any more. */
  readonly secret?: string
}

const groups = ['curl', 'python', 'typescript'] as const satisfies readonly Client['group'][]

export function Snippets({ models, secret }: SnippetsProps) {
  const { t } = useTranslation('keys')
  const [chosen, setChosen] = useState<string>()
  const model = chosen ?? models[0] ?? ''
  const calling = { address: location.origin, key: secret ?? noKey, model }
  if (model === '') return <Typography.Paragraph>{t('noModels')}</Typography.Paragraph>
  return (
    <section className="snippets">
      <div className="tools">
        <span>
          {t('model')}{' '}
          <Select
            aria-label={t('model')}
            showSearch
            value={model}
            onChange={setChosen}
            options={models.map(value => ({ value }))}
            popupMatchSelectWidth={false}
          />
        </span>
        <span>
          {t('baseUrl')} <Typography.Text copyable>{`${location.origin}/openai/v1`}</Typography.Text>
        </span>
      </div>
      {secret === undefined && (
        <Typography.Text type="secondary">{t('withoutSecret', { key: noKey })}</Typography.Text>
      )}
      <Tabs
        items={groups.map(group => ({
          key: group,
          label: t(`groups.${group}`),
          children: clients
            .filter(client => client.group === group)
            .map(({ id, label, code }) => (
              <div key={id} id={`snippet-${id}`}>
                <Typography.Text strong>{label}</Typography.Text>
                <Snippet label={`${t(`groups.${group}`)}: ${label}`} code={code(calling)} />
              </div>
            )),
        }))}
      />
    </section>
  )
}
