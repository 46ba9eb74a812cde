// How many of each kind there are, and which want attention.
import { valueAt } from '@switchyard/api/selector'
import { Link } from '@tanstack/react-router'
import { Card } from 'antd'
import { type KindInfo, useCatalogue, useMay } from '../api/catalogue.ts'
import { useLiveHere } from '../kinds/live.tsx'
import { titleOf } from '../kinds/names.ts'
import { isTroubled, PhaseTag } from '../kinds/phase.tsx'
import { usePreferences } from '../preferences.ts'

const shown = ['Endpoint', 'Model', 'Provider', 'Route', 'ApiKey', 'Budget', 'Cluster', 'User']

function KindCount({ kind }: { readonly kind: KindInfo }) {
  const { language } = usePreferences()
  const { documents, isComplete } = useLiveHere(kind)
  const troubled = documents.filter(document => isTroubled(valueAt(document, 'status.phase')))
  return (
    <Link to="/$plural" params={{ plural: kind.plural }} className="count">
      <Card size="small" hoverable>
        <span className="quiet">{titleOf(kind, language)}</span>
        <strong>{isComplete ? documents.length : '…'}</strong>
        {troubled.slice(0, 2).map(({ metadata, status }) => (
          <span key={metadata.id} className="troubled">
            <span>{metadata.name}</span> <PhaseTag phase={valueAt(status, 'phase')} />
          </span>
        ))}
      </Card>
    </Link>
  )
}

export function Counts() {
  const catalogue = useCatalogue()
  const may = useMay()
  const kinds = shown.flatMap(name => {
    const kind = catalogue.find(one => one.kind === name)
    return kind && may(`${kind.noun}:read`) ? [kind] : []
  })
  return (
    <div className="counts">
      {kinds.map(kind => (
        <KindCount key={kind.kind} kind={kind} />
      ))}
    </div>
  )
}
