// The addresses of the console. Each screen is a chunk of its own.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type SearchMiddleware,
} from '@tanstack/react-router'
import { currentPreferences, placeOf } from './preferences.ts'
import { Broken, Lost } from './shell/pages.tsx'
import { Shell } from './shell/shell.tsx'
import { readRequestsSearch, readUsageSearch } from './usage/search.ts'

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** The texts that an address may carry, by their names. */
const picked =
  <K extends string>(...names: readonly K[]) =>
  (search: Record<string, unknown>): { readonly [name in K]?: string } => {
    const entries = names.flatMap(name => {
      const value = text(search[name])
      return value === undefined ? [] : [[name, value]]
    })
    return Object.fromEntries(entries) as { readonly [name in K]?: string } // of these names alone
  }

/** Where one looks, as `workspace/project`. */
interface PlaceSearch {
  readonly in?: string
}

/** Every link leads to the project that is looked at. */
const inPlace: SearchMiddleware<PlaceSearch> = ({ search, next }) => {
  const { in: _, ...rest } = next(search)
  const place = placeOf(currentPreferences())
  return place === undefined ? rest : { ...rest, in: place }
}

const root = createRootRoute({
  component: Shell,
  notFoundComponent: Lost,
  validateSearch: (search: Record<string, unknown>): PlaceSearch => picked('in')(search),
  search: { middlewares: [inPlace] },
})

const requests = createRoute({
  getParentRoute: () => root,
  path: '/requests',
  validateSearch: readRequestsSearch,
  component: lazyRouteComponent(() => import('./requests/requests.tsx'), 'RequestsPage'),
})

const request = createRoute({
  getParentRoute: () => root,
  path: '/requests/$workspace/$request',
  component: lazyRouteComponent(() => import('./requests/story.tsx'), 'RequestPage'),
})

const balances = createRoute({
  getParentRoute: () => root,
  path: '/balances',
  validateSearch: picked('workspace'),
  component: lazyRouteComponent(() => import('./balances/balances.tsx'), 'BalancesPage'),
})

const invoices = createRoute({
  getParentRoute: () => root,
  path: '/invoices',
  validateSearch: picked('state'),
  component: lazyRouteComponent(() => import('./invoices/invoices.tsx'), 'InvoicesPage'),
})

const invoice = createRoute({
  getParentRoute: () => root,
  path: '/invoices/$workspace/$number',
  component: lazyRouteComponent(() => import('./invoices/page.tsx'), 'InvoicePage'),
})

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: picked('period'),
  component: lazyRouteComponent(() => import('./overview/overview.tsx'), 'Overview'),
})

/** What a list shows, in its address: a link to it shows the same. */
export interface ListSearch {
  readonly q?: string
  readonly labels?: string
}

const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: readUsageSearch,
  component: lazyRouteComponent(() => import('./usage/usage.tsx'), 'UsagePage'),
})

const list = createRoute({
  getParentRoute: () => root,
  path: '/$plural',
  validateSearch: (search): ListSearch => {
    const [q, labels] = [text(search.q), text(search.labels)]
    return { ...(q !== undefined && { q }), ...(labels !== undefined && { labels }) }
  },
  component: lazyRouteComponent(() => import('./kinds/list.tsx'), 'ListPage'),
})

const detail = createRoute({
  getParentRoute: () => root,
  path: '/$plural/$workspace/$name',
  validateSearch: picked('tab', 'period', 'replica', 'act'),
  component: lazyRouteComponent(() => import('./kinds/detail.tsx'), 'DetailPage'),
})

const deploy = createRoute({
  getParentRoute: () => root,
  path: '/deploy',
  validateSearch: picked('step', 'model', 'workspace'),
  component: lazyRouteComponent(() => import('./deploy/wizard.tsx'), 'Wizard'),
})

const deploying = createRoute({
  getParentRoute: () => root,
  path: '/deploy/$workspace/$name',
  validateSearch: picked('as'),
  component: lazyRouteComponent(() => import('./deploy/progress.tsx'), 'Progress'),
})

const library = createRoute({
  getParentRoute: () => root,
  path: '/library',
  validateSearch: picked('q', 'task'),
  component: lazyRouteComponent(() => import('./library/library.tsx'), 'Library'),
})

const invitations = createRoute({
  getParentRoute: () => root,
  path: '/invitations',
  component: lazyRouteComponent(() => import('./people/invitations.tsx'), 'Invitations'),
})

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: picked('q', 'actor', 'action', 'kind', 'name', 'outcome', 'from', 'to'),
  component: lazyRouteComponent(() => import('./audit/audit.tsx'), 'AuditPage'),
})

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('./settings/settings.tsx'), 'SettingsPage'),
})

const account = createRoute({
  getParentRoute: () => root,
  path: '/account',
  component: lazyRouteComponent(() => import('./people/account.tsx'), 'AccountPage'),
})

const signedIn = createRoute({
  getParentRoute: () => root,
  path: '/signed-in',
  component: lazyRouteComponent(() => import('./session/signed-in.tsx'), 'SignedIn'),
})

const create = createRoute({
  getParentRoute: () => root,
  path: '/$plural/new',
  component: lazyRouteComponent(() => import('./write/page.tsx'), 'NewPage'),
})

const edit = createRoute({
  getParentRoute: () => root,
  path: '/$plural/$workspace/$name/edit',
  component: lazyRouteComponent(() => import('./write/page.tsx'), 'EditPage'),
})

const newKey = createRoute({
  getParentRoute: () => root,
  path: '/apikeys/new',
  component: lazyRouteComponent(() => import('./keys/new.tsx'), 'NewKeyPage'),
})

const playground = createRoute({
  getParentRoute: () => root,
  path: '/playground',
  validateSearch: picked('tab', 'model'),
  component: lazyRouteComponent(() => import('./playground/playground.tsx'), 'PlaygroundPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    newKey,
    playground,
    overview,
    usage,
    deploy,
    deploying,
    library,
    invitations,
    audit,
    settings,
    account,
    signedIn,
    requests,
    request,
    balances,
    invoices,
    invoice,
    list,
    detail,
    create,
    edit,
  ]),
  basepath: '/console',
  defaultErrorComponent: Broken,
  defaultPreload: 'intent',
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
