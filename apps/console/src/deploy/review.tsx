// What would be written, what the server says of it beforehand, and the button that does it.
import { Fault } from '@switchyard/kinds/fault'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Alert, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Editor } from '../parts/editor.tsx'
import { useExchange } from '../session/context.tsx'
import { FaultAlert, Wrong } from '../shell/fault.tsx'
import { yamlOf } from '../write/text.ts'
import { type Draft, endpointOf, forgetDraft, isSaid, routeOf, type Step, stepOf, steps } from './draft.ts'

interface ReviewProps {
  readonly draft: Draft
  readonly go: (step: Step) => void
}

/** Each thing that is wrong, with the step where it is said. */
function Refusal({ fault, go }: { readonly fault: Fault; readonly go: ReviewProps['go'] }) {
  const { t } = useTranslation('deploy')
  if (fault.details.length === 0) return <FaultAlert fault={fault} />
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      title={t('review.refused')}
      description={
        <ul className="refusals">
          {fault.details.map(detail => {
            const step = stepOf(detail.path)
            return (
              <li key={`${detail.path} ${detail.message}`}>
                <Wrong {...detail} />{' '}
                <Button type="link" size="small" onClick={() => go(step)}>
                  {t('review.goTo', { step: t(`steps.${step}`) })}
                </Button>
              </li>
            )
          })}
        </ul>
      }
    />
  )
}

export function Review({ draft, go }: ReviewProps) {
  const { t } = useTranslation('deploy')
  const exchange = useExchange()
  const navigate = useNavigate()
  const may = useMay()
  const [routeFault, setRouteFault] = useState<Fault>()
  const { workspace, name } = draft
  const [document, route] = [endpointOf(draft), routeOf(draft)]
  const missing = steps.filter(step => !isSaid(draft, step))
  const below = `/api/v1/workspaces/${encodeURIComponent(workspace)}`
  const asked = useQuery({
    queryKey: ['deploy', document],
    enabled: missing.length === 0,
    staleTime: 0,
    gcTime: 0,
    // What the server says is an answer here, also when it refuses.
    queryFn: async ({ signal }): Promise<Fault | null> => {
      try {
        await exchange.send({
          method: 'POST',
          path: `${below}/endpoints`,
          query: { dryRun: true },
          body: document,
          signal,
        })
        return null
      } catch (error) {
        if (error instanceof Fault) return error
        throw error
      }
    },
  })
  const creating = useMutation({
    mutationFn: async () => {
      await exchange.send({ method: 'POST', path: `${below}/endpoints`, body: document })
      forgetDraft()
      if (route)
        try {
          await exchange.send({ method: 'POST', path: `${below}/routes`, body: route })
        } catch (error) {
          if (!(error instanceof Fault)) throw error
          setRouteFault(error)
          return
        }
      await navigate({
        to: '/deploy/$workspace/$name',
        params: { workspace, name },
        search: route ? { as: draft.publicName } : {},
      })
    },
  })
  const lacking = ['endpoint:create', ...(route ? ['route:create'] : [])].filter(
    permission => !may(permission, workspace),
  )
  const isFine = missing.length === 0 && asked.data === null
  return (
    <>
      <div aria-live="polite">
        {missing.length > 0 && (
          <Alert
            type="warning"
            showIcon
            title={t('review.missing')}
            description={missing.map(step => (
              <Button key={step} type="link" size="small" onClick={() => go(step)}>
                {t('review.goTo', { step: t(`steps.${step}`) })}
              </Button>
            ))}
          />
        )}
        {asked.isFetching && <Alert type="info" showIcon title={t('review.asking')} />}
        {!asked.isFetching && isFine && <Alert type="success" showIcon title={t('review.fine')} />}
        {!asked.isFetching && asked.data && <Refusal fault={asked.data} go={go} />}
        {creating.error instanceof Fault && <Refusal fault={creating.error} go={go} />}
        {lacking.map(permission => (
          <Alert
            key={permission}
            type="warning"
            showIcon
            title={t('review.needs', { permission, workspace })}
          />
        ))}
        {routeFault && (
          <>
            <Alert type="warning" showIcon title={t('review.routeFailed')} />
            <FaultAlert fault={routeFault} />
            <Link to="/deploy/$workspace/$name" params={{ workspace, name }}>
              {t('review.watch')}
            </Link>
          </>
        )}
      </div>
      <h2 className="field-title">{t('review.document')}</h2>
      <Editor
        value={[document, ...(route ? [route] : [])].map(yamlOf).join('---\n')}
        label={t('review.document')}
      />
      <Button
        type="primary"
        disabled={!isFine || lacking.length > 0 || routeFault !== undefined}
        loading={creating.isPending}
        onClick={() => creating.mutate()}
      >
        {creating.isPending ? t('review.creating') : t('review.create')}
      </Button>
    </>
  )
}
