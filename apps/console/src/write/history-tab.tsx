// What the trail tells of a document: who did what to it, and what that changed.
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import type { Shown } from '../kinds/own.ts'
import { Facts, FactTable } from '../parts/facts.tsx'
import { useExchange } from '../session/context.tsx'
import { Forbidden } from '../shell/states.tsx'
import { yamlOf } from './text.ts'
import './words.ts'

/** RFC 6902. */
interface Step {
  readonly op: 'add' | 'remove' | 'replace'
  readonly path: string
  readonly value?: unknown
}

interface Entry {
  readonly seq: number
  readonly time: string
  readonly workspace: string | null
  readonly actor: { readonly id: string; readonly name?: string }
  readonly action: string
  readonly outcome: 'success' | 'denied' | 'failed'
  readonly reason?: string
  readonly diff?: readonly Step[]
}

interface Page {
  readonly items: readonly Entry[]
  readonly continue: string | null
}

const words = { add: 'added', remove: 'removed', replace: 'changed' } as const

const written = ({ op, value }: Step) => (op === 'remove' ? '–' : yamlOf(value).trimEnd())

/** The trail keeps digests of the whole, and what has changed. */
function Change({ entry: { seq, diff = [] } }: { readonly entry: Entry }) {
  const { t } = useTranslation('write')
  if (diff.length === 0) return <span className="quiet">{t('noDetail')}</span>
  return (
    <FactTable<Step>
      name={`change-${seq}`}
      label={t('changeOf')}
      rowKey={({ op, path }) => `${op} ${path}`}
      facts={diff}
      empty={t('noDetail')}
      columns={[
        { key: 'change', title: t('change'), text: ({ op }) => t(words[op]) },
        {
          key: 'field',
          title: t('field'),
          text: ({ path }) => path.slice(1).replaceAll('/', '.'),
          render: ({ path }) => <code>{path.slice(1).replaceAll('/', '.')}</code>,
        },
        {
          key: 'now',
          title: t('now'),
          text: written,
          render: step => <pre className="value">{written(step)}</pre>,
        },
      ]}
    />
  )
}

export default function HistoryTab({ kind, document }: Shown) {
  const { t } = useTranslation('write')
  const may = useMay()
  const exchange = useExchange()
  const { workspace, name, generation } = document.metadata
  const forbidden = { what: t('historyHidden'), permission: 'audit:read' }
  if (!may('audit:read', workspace)) return <Forbidden {...forbidden} />
  const path =
    workspace === null ? '/api/v1/audit' : `/api/v1/workspaces/${encodeURIComponent(workspace)}/audit`
  const outcomeOf = ({ outcome, reason }: Entry) => t(outcome) + (reason === undefined ? '' : ` (${reason})`)
  return (
    <Facts<Entry>
      name={`history-${name}`}
      label={t('historyOf', { name })}
      queryKey={['audit', kind.kind, workspace, name, generation]}
      forbidden={forbidden}
      load={async (cursor, signal) => {
        const query = { kind: kind.kind, name, limit: 50, continue: cursor }
        const { body } = await exchange.send({ method: 'GET', path, query, signal })
        const page = body as Page // the console and the server are built together
        return {
          items: page.items.filter(entry => entry.workspace === workspace),
          next: page.continue ?? undefined,
        }
      }}
      rowKey={({ seq }) => String(seq)}
      empty={t('noHistory')}
      opened={entry => <Change entry={entry} />}
      columns={[
        {
          key: 'time',
          title: t('time'),
          text: ({ time }) => time,
          render: ({ time }) => <Moment at={time} />,
        },
        { key: 'who', title: t('who'), text: ({ actor }) => actor.name ?? actor.id },
        {
          key: 'act',
          title: t('act'),
          text: ({ action }) => action,
          render: ({ action }) => <code>{action}</code>,
        },
        {
          key: 'outcome',
          title: t('outcome'),
          text: outcomeOf,
          render: entry => (
            <Typography.Text {...(entry.outcome !== 'success' && { type: 'danger' as const })}>
              {outcomeOf(entry)}
            </Typography.Text>
          ),
        },
      ]}
    />
  )
}
