// The page of a provider: its models, what they cost, the routes that use it and how it stands there, and a test of the
// connection.
import { Fault } from '@switchyard/kinds/fault'
import { useMutation, useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Alert, Button, Descriptions, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import type { Shown } from '../kinds/own.ts'
import { isMeant, useSeen } from '../kinds/seen.ts'
import { FactTable } from '../parts/facts.tsx'
import { grouped } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import type { ProviderDocument, RouteDocument } from './documents.ts'
import { type ExplainedTarget, type Explanation, requestFor } from './explanation.ts'
import { ProviderPrices } from './provider-prices.tsx'
import './words.ts'
import '../deploy/deploy.css'
import './routes.css'

interface Tested {
  readonly finding:
    | 'ok'
    | 'answers'
    | 'credential_refused'
    | 'credential_missing'
    | 'address_refused'
    | 'unreachable'
    | 'late'
    | 'not_found'
    | 'limited'
    | 'failing'
    | 'redirected'
    | 'unreadable'
  readonly address: string
  readonly status?: number
  readonly milliseconds: number
  readonly models: readonly string[]
  readonly missing: readonly string[]
}

function ConnectionTest({ provider }: { readonly provider: ProviderDocument }) {
  const { t } = useTranslation('routes')
  const { language } = usePreferences()
  const exchange = useExchange()
  const may = useMay()
  const { workspace, name } = provider.metadata
  const mayTest = may('provider:use', workspace ?? undefined)
  const base = workspace === null ? '/api/v1' : `/api/v1/workspaces/${encodeURIComponent(workspace)}`
  const testing = useMutation({
    mutationFn: async () => {
      const path = `${base}/providers/${encodeURIComponent(name)}/actions/test`
      return (await exchange.send({ method: 'POST', path, body: {} })).body as Tested // built together
    },
  })
  const { data } = testing
  return (
    <section className="answer">
      <h2 className="field-title">{t('provider.test')}</h2>
      <p className="quiet">{t('provider.testDoc')}</p>
      <div className="tools">
        <Button
          type="primary"
          disabled={!mayTest}
          loading={testing.isPending}
          onClick={() => testing.mutate()}
        >
          {testing.isPending ? t('provider.running') : t('provider.run')}
        </Button>
        {!mayTest && <span className="quiet">{t('provider.needs')}</span>}
      </div>
      <div aria-live="polite">
        {testing.error instanceof Fault && <FaultAlert fault={testing.error} />}
        {data && (
          <>
            <Alert
              type={data.finding === 'ok' ? 'success' : data.finding === 'answers' ? 'info' : 'error'}
              showIcon
              title={t(`provider.findings.${data.finding}`)}
            />
            <Descriptions
              size="small"
              column={{ xs: 1, lg: 3 }}
              items={[
                { key: 'address', label: t('provider.address'), children: <code>{data.address}</code> },
                { key: 'status', label: t('provider.status'), children: data.status ?? '–' },
                {
                  key: 'time',
                  label: t('provider.time'),
                  children: t('provider.milliseconds', { count: data.milliseconds }),
                },
                ...(data.models.length > 0
                  ? [
                      {
                        key: 'found',
                        label: t('provider.found'),
                        span: 'filled' as const,
                        children: (
                          <span className="tags">
                            {data.models.slice(0, 40).map(model => (
                              <Tag key={model}>{model}</Tag>
                            ))}
                            {data.models.length > 40 && grouped(`${data.models.length}`, language)}
                          </span>
                        ),
                      },
                    ]
                  : []),
                ...(data.missing.length > 0
                  ? [
                      {
                        key: 'missing',
                        label: t('provider.missing'),
                        span: 'filled' as const,
                        children: data.missing.join(', '),
                      },
                    ]
                  : []),
              ]}
            />
          </>
        )}
      </div>
    </section>
  )
}

interface Use {
  readonly id: string
  readonly route: RouteDocument
  readonly place: string
  readonly tier: number | undefined
  readonly model: string | undefined
  readonly weight: number | undefined
}

function usesOf(
  provider: ProviderDocument,
  routes: readonly RouteDocument[],
  t: (tier: number | undefined) => string,
): readonly Use[] {
  return routes.flatMap(route => {
    const workspace = route.metadata.workspace ?? ''
    const { tiers, shadow } = route.spec
    const used = tiers.flatMap(({ targets }, tier) =>
      targets.flatMap((target, index): readonly Use[] =>
        isMeant(provider, target.provider, workspace)
          ? [
              {
                id: `${route.metadata.id} ${tier} ${index}`,
                route,
                place: t(tier),
                tier,
                model: target.model,
                weight: target.weight,
              },
            ]
          : [],
      ),
    )
    return shadow && isMeant(provider, shadow.target.provider, workspace)
      ? [
          ...used,
          {
            id: `${route.metadata.id} shadow`,
            route,
            place: t(undefined),
            tier: undefined,
            model: shadow.target.model,
            weight: undefined,
          },
        ]
      : used
  })
}

/** What each route's gateway says of this provider there. */
function useStanding(uses: readonly Use[], provider: string): ReadonlyMap<string, ExplainedTarget> {
  const exchange = useExchange()
  const may = useMay()
  const routes = [...new Map(uses.map(({ route }) => [route.metadata.id, route])).values()].filter(
    ({ metadata }) => may('route:explain', metadata.workspace),
  )
  const answers = useQueries({
    queries: routes.map(route => ({
      queryKey: ['explain', route.metadata.workspace, requestFor(route)],
      refetchInterval: 5000,
      queryFn: async () => {
        const path = `/api/v1/workspaces/${encodeURIComponent(route.metadata.workspace ?? '')}/actions/explain-route`
        return (await exchange.send({ method: 'POST', path, body: requestFor(route) })).body as Explanation // built together
      },
    })),
  })
  const found = new Map<string, ExplainedTarget>()
  for (const { id, route, tier, model } of uses) {
    const answer = answers[routes.indexOf(route)]?.data
    if (answer?.route?.id !== route.metadata.name || tier === undefined) continue
    const mine = answer.route.tiers[tier]?.targets.filter(one => !one.endpoint && one.name === provider) ?? []
    const one = mine.find(target => target.model === model) ?? mine[0]
    if (one) found.set(id, one)
  }
  return found
}

export default function ProviderPage({ document }: Shown) {
  const { t } = useTranslation('routes')
  const { language } = usePreferences()
  const provider = document as ProviderDocument // shown on the page of a Provider
  const routes = useSeen<RouteDocument>('Route')
  const uses = usesOf(provider, routes.documents, tier =>
    tier === undefined ? t('provider.places.shadow') : t('provider.places.tier', { number: tier + 1 }),
  )
  const standing = useStanding(uses, provider.metadata.name)
  const healthOf = ({ id }: Use) => {
    const one = standing.get(id)
    if (!one) return t('moods.unknown')
    const { unfit } = one.health
    return unfit ? t(`words.${unfit}`) : t('moods.well')
  }
  const count = (value: number | undefined) => (value === undefined ? '–' : grouped(`${value}`, language))
  return (
    <div className="route-page">
      <ConnectionTest provider={provider} />
      <ProviderPrices provider={provider} />
      <h2 className="field-title">{t('provider.routes')}</h2>
      {routes.isAllowed ? (
        <FactTable<Use>
          name={`routes-${provider.metadata.name}`}
          label={t('provider.routes')}
          rowKey={({ id }) => id}
          isPending={!routes.isComplete}
          facts={uses}
          empty={t('provider.noRoutes')}
          columns={[
            {
              key: 'route',
              title: t('explain.route'),
              text: ({ route: { metadata } }) => `${metadata.workspace}/${metadata.name}`,
              render: ({ route: { metadata } }) => (
                <Link
                  to="/$plural/$workspace/$name"
                  params={{ plural: 'routes', workspace: metadata.workspace ?? '-', name: metadata.name }}
                >
                  {metadata.workspace}/{metadata.name}
                </Link>
              ),
            },
            { key: 'place', title: t('provider.place'), text: ({ place }) => place },
            { key: 'model', title: t('edit.model'), text: ({ model }) => model ?? t('edit.modelOwn') },
            {
              key: 'weight',
              title: t('edit.weight'),
              align: 'end',
              text: ({ weight }) => String(weight ?? '–'),
            },
            {
              key: 'health',
              title: t('provider.health'),
              text: healthOf,
              render: use => {
                const one = standing.get(use.id)
                const mood = one && (one.health.unfit ? 'ill' : 'well')
                return (
                  <>
                    {mood && <span className={`mood-dot ${mood}`} aria-hidden="true" />} {healthOf(use)}
                  </>
                )
              },
            },
            {
              key: 'breaker',
              title: t('provider.breaker'),
              text: ({ id }) => {
                const one = standing.get(id)
                return one ? t(`breakers.${one.health.breaker}`) : '–'
              },
            },
            {
              key: 'calls',
              title: t('provider.calls'),
              text: ({ id }) => {
                const one = standing.get(id)
                return one
                  ? t('provider.callsOf', { calls: one.health.calls, faults: one.health.faults })
                  : '–'
              },
            },
          ]}
        />
      ) : (
        <p className="quiet">{t('provider.routesHidden')}</p>
      )}
      <h2 className="field-title">{t('provider.models')}</h2>
      {provider.spec.models.length === 0 ? (
        <p className="quiet">{t('provider.noModels')}</p>
      ) : (
        <FactTable<ProviderDocument['spec']['models'][number]>
          name={`models-${provider.metadata.name}`}
          label={t('provider.models')}
          rowKey={({ name }) => name}
          facts={provider.spec.models}
          empty={t('provider.noModels')}
          columns={[
            { key: 'name', title: t('provider.name'), text: ({ name }) => name },
            { key: 'upstream', title: t('provider.upstream'), text: ({ name, upstream = name }) => upstream },
            {
              key: 'context',
              title: t('provider.context'),
              align: 'end',
              text: ({ contextTokens }) => count(contextTokens),
            },
            {
              key: 'output',
              title: t('provider.output'),
              align: 'end',
              text: ({ maxOutput }) => count(maxOutput),
            },
          ]}
        />
      )}
    </div>
  )
}
