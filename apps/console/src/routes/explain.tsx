// Asking where a request would go: what is asked, the answer, and why each route and target was taken or not.
import { Fault } from '@switchyard/kinds/fault'
import { Alert, Button, Checkbox, Collapse, Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field } from '../deploy/field.tsx'
import { useSeen } from '../kinds/seen.ts'
import { FactTable } from '../parts/facts.tsx'
import { usePreferences } from '../preferences.ts'
import { FaultAlert } from '../shell/fault.tsx'
import { percent, type RouteDocument } from './documents.ts'
import { type Asked, type ExplainedTarget, type Explanation, requestFor } from './explanation.ts'

interface AskFormProps {
  readonly route: RouteDocument
  readonly isPending: boolean
  readonly onAsk: (asked: Asked) => void
}

/** `name: value` or `name=value`, one a line. */
function pairs(text: string, mark: string): Readonly<Record<string, string>> | undefined {
  const entries = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .map(line => {
      const cut = line.indexOf(mark)
      return cut === -1
        ? ([line, ''] as const)
        : ([line.slice(0, cut).trim(), line.slice(cut + mark.length).trim()] as const)
    })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

const written = (values: Readonly<Record<string, string>> | undefined, mark: string) =>
  Object.entries(values ?? {})
    .map(([name, value]) => `${name}${mark}${value}`)
    .join('\n')

export function AskForm({ route, isPending, onAsk }: AskFormProps) {
  const { t } = useTranslation('routes')
  const [begun] = useState(() => requestFor(route))
  const [model, setModel] = useState(begun.model)
  const [key, setKey] = useState<string>()
  const [headers, setHeaders] = useState(() => written(begun.headers, ': '))
  const [metadata, setMetadata] = useState(() => written(begun.metadata, '='))
  const [tags, setTags] = useState<readonly string[]>(begun.tags ?? [])
  const [session, setSession] = useState('')
  const [isStreamed, setStreamed] = useState(false)
  const keys = useSeen('ApiKey')
  const ask = () => {
    const [given, told] = [pairs(headers, ':'), pairs(metadata, '=')]
    onAsk({
      model,
      ...(key !== undefined && key !== '' && { key }),
      ...(given && { headers: given }),
      ...(told && { metadata: told }),
      ...(tags.length > 0 && { tags }),
      ...(session !== '' && { session }),
      ...(isStreamed && { streamed: true }),
    })
  }
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        ask()
      }}
    >
      <div className="fields">
        <Field label={t('explain.model')}>
          {ids => <Input {...ids} value={model} required onChange={({ target }) => setModel(target.value)} />}
        </Field>
        <Field label={t('explain.key')} help={t('explain.keyHelp')}>
          {ids => (
            <Select
              {...ids}
              allowClear
              showSearch
              value={key ?? null}
              options={keys.documents
                .filter(({ metadata: { workspace } }) => workspace === route.metadata.workspace)
                .map(({ metadata: { name } }) => ({ value: name, label: name }))}
              onChange={(value?: string | null) => setKey(value ?? undefined)}
            />
          )}
        </Field>
        <Field label={t('explain.tags')}>
          {ids => (
            <Select
              {...ids}
              mode="tags"
              open={false}
              suffixIcon={null}
              value={[...tags]}
              onChange={(values: string[]) => setTags(values)}
            />
          )}
        </Field>
        <Field label={t('explain.session')}>
          {ids => <Input {...ids} value={session} onChange={({ target }) => setSession(target.value)} />}
        </Field>
        <Field label={t('explain.headers')}>
          {ids => (
            <Input.TextArea
              {...ids}
              rows={2}
              value={headers}
              onChange={({ target }) => setHeaders(target.value)}
            />
          )}
        </Field>
        <Field label={t('explain.metadata')}>
          {ids => (
            <Input.TextArea
              {...ids}
              rows={2}
              value={metadata}
              onChange={({ target }) => setMetadata(target.value)}
            />
          )}
        </Field>
      </div>
      <div className="tools">
        <Button type="primary" htmlType="submit" loading={isPending} disabled={model === ''}>
          {t('explain.ask')}
        </Button>
        <Checkbox checked={isStreamed} onChange={({ target }) => setStreamed(target.checked)}>
          {t('explain.streamed')}
        </Checkbox>
      </div>
    </form>
  )
}

function Verdict({ verdict }: Pick<Explanation, 'verdict'>) {
  const { t } = useTranslation('routes')
  switch (verdict.type) {
    case 'served':
      return (
        <Alert
          type="success"
          showIcon
          title={t('explain.served', { upstream: verdict.upstream, tier: verdict.tier + 1 })}
        />
      )
    case 'held':
      return (
        <Alert
          type="info"
          showIcon
          title={t('explain.held', { endpoint: verdict.endpoint, seconds: verdict.seconds })}
        />
      )
    case 'refused':
      return (
        <Alert
          type="error"
          showIcon
          title={t('explain.refused', { reason: verdict.reason })}
          description={verdict.message}
        />
      )
  }
}

type Candidate = Explanation['candidates'][number]

interface AnswerProps {
  readonly route: string
  readonly explanation: Explanation | undefined
  readonly error: Error | null
}

export function Answer({ route, explanation, error }: AnswerProps) {
  const { t } = useTranslation('routes')
  const { language } = usePreferences()
  if (error instanceof Fault) return <FaultAlert fault={error} />
  if (error) throw error
  if (!explanation) return undefined
  const targets = (explanation.route?.tiers ?? []).flatMap((tier, index) =>
    tier.targets.map((target, place) => ({ ...target, tier: index + 1, id: `${index} ${place}` })),
  )
  return (
    <section className="answer" aria-live="polite">
      <Verdict verdict={explanation.verdict} />
      {explanation.route && explanation.route.id !== route && (
        <p className="quiet">{t('explain.otherRoute')}</p>
      )}
      <h3 className="field-title">{t('explain.candidates')}</h3>
      <FactTable<Candidate>
        name={`candidates-${route}`}
        label={t('explain.candidates')}
        rowKey={({ kind, id, name }) => `${kind} ${id} ${name}`}
        facts={explanation.candidates}
        empty="–"
        columns={[
          { key: 'route', title: t('explain.route'), text: ({ kind, id }) => `${kind} ${id}` },
          {
            key: 'priority',
            title: t('explain.priority'),
            align: 'end',
            text: ({ priority }) => String(priority ?? ''),
          },
          {
            key: 'taken',
            title: t('explain.taken'),
            text: ({ taken }) => t(taken ? 'explain.yes' : 'explain.no'),
          },
          {
            key: 'why',
            title: t('explain.why'),
            text: ({ says }) => says,
            render: ({ says }) => <span lang="en">{says}</span>,
          },
        ]}
      />
      <h3 className="field-title">{t('explain.targets')}</h3>
      <FactTable<ExplainedTarget & { readonly tier: number; readonly id: string }>
        name={`targets-${route}`}
        label={t('explain.targets')}
        rowKey={({ id }) => id}
        facts={targets}
        empty="–"
        columns={[
          { key: 'tier', title: t('explain.tier'), align: 'end', text: ({ tier }) => String(tier) },
          {
            key: 'target',
            title: t('edit.target'),
            text: ({ name, endpoint, model }) =>
              [endpoint === undefined ? name : `${endpoint} / ${name}`, model].filter(Boolean).join(' '),
            render: ({ name, endpoint, model }) => (
              <>
                {endpoint === undefined ? name : `${endpoint} / ${name}`}{' '}
                <span className="quiet">{model}</span>
              </>
            ),
          },
          {
            key: 'share',
            title: t('explain.share'),
            align: 'end',
            text: ({ share }) => (share === undefined ? '–' : percent(share, language)),
          },
          { key: 'why', title: t('explain.why'), text: ({ word }) => t(`words.${word}`) },
        ]}
      />
      <Collapse
        ghost
        items={[
          {
            key: 'sentences',
            label: t('explain.sentences'),
            children: (
              <pre className="document" lang="en">
                {explanation.sentences.join('\n')}
              </pre>
            ),
          },
        ]}
      />
    </section>
  )
}
