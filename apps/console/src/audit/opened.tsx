// What one entry tells: the difference, where it came from, and its proof, checked in this browser.
import { Alert, Button, Descriptions, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { textOf } from '../kinds/cells.tsx'
import { FactTable } from '../parts/facts.tsx'
import { keepText } from '../parts/keep.ts'
import { Act } from '../people/act.tsx'
import { useExchange } from '../session/context.tsx'
import { type Entry, type Operation, readCheckpoint } from './entry.ts'
import { type Verdict, verdictOf } from './prove.ts'
import { useAuditStanding } from './standing.tsx'
import './words.ts'

const says = { signed: 'checked', root: 'checkedRoot', broken: 'unchecked', unable: 'uncheckable' } as const
const looks = { signed: 'success', root: 'success', broken: 'error', unable: 'info' } as const

function Proof({ entry: { seq } }: { readonly entry: Entry }) {
  const { t } = useTranslation('audit')
  const exchange = useExchange()
  const { data: standing } = useAuditStanding()
  const [verdict, setVerdict] = useState<Verdict>()
  if (!standing) return undefined
  const size = standing.checkpoint === undefined ? 0 : readCheckpoint(standing.checkpoint).size
  if (seq >= size) return <p className="quiet">{t('waiting')}</p>
  const ask = async () => {
    const { body } = await exchange.send({ method: 'GET', path: `/api/v1/audit/entries/${seq}/proof` })
    return body as { readonly entry: string; readonly proof: string } // the console and the server are built together
  }
  const check = async () => {
    const { entry, proof } = await ask()
    setVerdict(await verdictOf(entry, seq, proof, standing.keys))
  }
  return (
    <>
      <p>{t('sealedOf', { number: seq + 1, count: size })}</p>
      <div className="tools">
        <Act label={t('check')} act={check} />
        <Act
          label={t('download')}
          act={async () => keepText(`audit-${seq}.json`, JSON.stringify(await ask()), 'application/json')}
        />
      </div>
      {verdict && <Alert role="status" showIcon type={looks[verdict]} title={t(says[verdict])} />}
    </>
  )
}

const pathOf = ({ path }: Operation) =>
  path.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')

function Difference({ entry }: { readonly entry: Entry }) {
  const { t } = useTranslation('audit')
  const { diff = [], before, after } = entry
  if (diff.length === 0 && before === undefined && after === undefined) return undefined
  const digest = (text: string | undefined) =>
    text === undefined ? t('absent') : <code className="hash">{textOf(text)}</code>
  return (
    <section>
      <h3>{t('changed')}</h3>
      {diff.length > 0 && (
        <FactTable<Operation>
          name={`audit-${entry.seq}`}
          label={t('changed')}
          rowKey={({ path }) => path}
          facts={diff}
          empty={t('kept')}
          columns={[
            {
              key: 'path',
              title: t('path'),
              text: pathOf,
              render: operation => <code>{pathOf(operation)}</code>,
            },
            {
              key: 'became',
              title: t('became'),
              text: ({ op, value }) => (op === 'remove' ? t('removed') : textOf(value)),
              render: ({ op, value }) =>
                op === 'remove' ? <del>{t('removed')}</del> : <code className="value">{textOf(value)}</code>,
            },
          ]}
        />
      )}
      <p className="quiet">{t('kept')}</p>
      <Descriptions
        size="small"
        column={1}
        items={[
          { key: 'before', label: t('was'), children: digest(before) },
          { key: 'after', label: t('became'), children: digest(after) },
        ]}
      />
    </section>
  )
}

export function OpenedEntry({ entry }: { readonly entry: Entry }) {
  const { t } = useTranslation('audit')
  const [isRaw, setRaw] = useState(false)
  const { actor, origin, rule, code, reason, count, id } = entry
  const method = actor.method
  const told = [
    ['actor', actor.id],
    [
      'method',
      method === 'session' || method === 'key' || method === 'operator' ? t(`methods.${method}`) : method,
    ],
    ['rule', rule],
    ['reason', [code, reason].filter(Boolean).join(': ')],
    ['count', count === undefined ? undefined : String(count)],
    ['address', origin?.ip],
    ['agent', origin?.agent],
    ['request', origin?.request],
  ] as const
  return (
    <div className="opened">
      <Descriptions
        size="small"
        column={{ xs: 1, lg: 2 }}
        items={[
          { key: 'id', label: 'ID', children: <Typography.Text copyable>{id}</Typography.Text> },
          ...told.flatMap(([key, value]) =>
            value
              ? [{ key, label: t(key), children: <Typography.Text copyable>{value}</Typography.Text> }]
              : [],
          ),
        ]}
      />
      <Difference entry={entry} />
      <section>
        <h3>{t('proof')}</h3>
        <Proof entry={entry} />
      </section>
      <Button type="link" size="small" onClick={() => setRaw(!isRaw)} aria-expanded={isRaw}>
        {t('raw')}
      </Button>
      {isRaw && <pre className="raw">{JSON.stringify(entry, undefined, 2)}</pre>}
    </div>
  )
}
