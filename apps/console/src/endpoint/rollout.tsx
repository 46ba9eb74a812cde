// How far an endpoint is: replicas ready of those that it should have, and what it waits for.
import { Alert, Progress } from 'antd'
import { useTranslation } from 'react-i18next'
import { useSaid } from '../kinds/said.ts'
import type { EndpointDocument, ReplicaDocument } from './documents.ts'
import './words.ts'

interface RolloutProps {
  readonly endpoint: EndpointDocument
  readonly replicas: readonly ReplicaDocument[]
}

export function Rollout({ endpoint: { spec, status }, replicas }: RolloutProps) {
  const { t } = useTranslation('endpoint')
  const said = useSaid()
  const { replicas: counts, revisions = {}, phase, conditions = [] } = status
  if (!counts) return undefined
  if (spec.paused) return <Alert type="info" showIcon title={t('paused')} />
  if (phase === 'Idle') return <Alert type="info" showIcon title={t('idle')} />
  const { desired, starting, placed, draining } = counts
  const { desired: wanted } = revisions
  const isRolling = wanted !== undefined && revisions.active !== undefined && wanted !== revisions.active
  const ready = isRolling
    ? replicas.filter(one => one.spec.revision === wanted && one.status.phase === 'Ready').length
    : counts.ready
  const blocked = conditions.find(({ type, status }) => type === 'Progressing' && status === 'False')
  const isWaking = spec.idleSeconds !== undefined && counts.ready === 0 && desired > 0
  const isWhole = ready >= desired
  const waits = [
    placed > 0 && t('placed', { count: placed }),
    starting > 0 && t('starting', { count: starting }),
    draining > 0 && t('draining', { count: draining }),
  ].filter(text => text !== false)
  return (
    <section className="rollout" aria-live="polite">
      <div>
        {isRolling ? t('rolling', { revision: wanted, ready, desired }) : t('ready', { ready, desired })}
        {waits.length > 0 && <span className="quiet"> · {waits.join(' · ')}</span>}
      </div>
      <Progress
        aria-label={t('progress')}
        percent={desired === 0 ? 100 : Math.min(100, (ready / desired) * 100)}
        showInfo={false}
        status={blocked ? 'exception' : isWhole ? 'success' : 'active'}
      />
      {isWaking && <Alert type="info" showIcon title={t('waking')} />}
      {blocked && (
        <Alert
          type="error"
          showIcon
          title={said.reason(blocked.reason)}
          description={said.text(blocked.message)}
        />
      )}
    </section>
  )
}
