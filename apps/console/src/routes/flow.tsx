// The page of a route: its flow with the health of each target, its weights and tiers to change, and the way that one
// request would take.
import { Alert, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import type { Shown } from '../kinds/own.ts'
import { Diagram } from './diagram.tsx'
import type { RouteDocument, Tiers } from './documents.ts'
import { Editor } from './editor.tsx'
import { Answer, AskForm } from './explain.tsx'
import { type Asked, requestFor, useExplanation } from './explanation.ts'
import { Saving } from './saving.tsx'
import './words.ts'
import '../deploy/deploy.css'
import './routes.css'

/** A change that was begun, and on what. */
interface Edit {
  readonly base: RouteDocument
  readonly tiers: Tiers
}

export default function Flow({ document }: Shown) {
  const { t } = useTranslation('routes')
  const may = useMay()
  const route = document as RouteDocument // shown on the page of a Route
  const workspace = route.metadata.workspace ?? ''
  const [edit, setEdit] = useState<Edit>()
  const [asked, setAsked] = useState<Asked>()
  const mayExplain = may('route:explain', workspace)
  const mayChange = may('route:update', workspace)
  const usual = requestFor(route)
  const standing = useExplanation(workspace, mayExplain ? usual : undefined, 5000)
  const answer = useExplanation(workspace, mayExplain ? asked : undefined)
  const tiers = edit?.tiers ?? route.spec.tiers
  const shown = asked ? answer.data : standing.data
  const { name } = route.metadata
  const other = standing.data?.candidates.find(({ taken }) => taken)
  const isElsewhere = standing.data !== undefined && standing.data.route?.id !== name
  return (
    <div className="route-page">
      <Diagram route={route} tiers={tiers} explanation={shown} isPath={asked !== undefined} />
      {!mayExplain && <Alert type="info" showIcon title={t('health.needs')} />}
      {isElsewhere && (
        <Alert
          type="info"
          showIcon
          title={
            other
              ? t('health.other', { model: usual.model, route: `${other.kind} ${other.id}` })
              : t('health.none', { model: usual.model })
          }
        />
      )}
      <h2 className="field-title">{t('edit.title')}</h2>
      {!mayChange && <p className="quiet">{t('edit.needs')}</p>}
      {edit && <Saving base={edit.base} tiers={edit.tiers} onDone={() => setEdit(undefined)} />}
      <Editor
        route={route}
        tiers={tiers}
        explanation={standing.data}
        mayChange={mayChange}
        onChange={changed => setEdit({ base: edit?.base ?? route, tiers: changed })}
      />
      {mayExplain && (
        <>
          <h2 className="field-title">{t('explain.title')}</h2>
          <p className="quiet">{t('explain.doc')}</p>
          <AskForm
            route={route}
            isPending={answer.isFetching}
            onAsk={next => {
              setAsked(next)
              // The same question again is asked again: what upstreams do changes.
              if (JSON.stringify(next) === JSON.stringify(asked)) void answer.refetch()
            }}
          />
          <Answer route={name} explanation={asked && answer.data} error={answer.error} />
          {asked && (
            <div>
              <Button onClick={() => setAsked(undefined)}>{t('explain.clear')}</Button>
            </div>
          )}
        </>
      )}
    </div>
  )
}
