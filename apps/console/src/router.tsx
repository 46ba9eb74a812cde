// The addresses of the console. Each screen is a chunk of its own.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Broken, Lost } from './shell/pages.tsx'
import { Shell } from './shell/shell.tsx'
import { readUsageSearch } from './usage/search.ts'

const root = createRootRoute({ component: Shell, notFoundComponent: Lost })

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./overview/overview.tsx'), 'Overview'),
})

/** What a list shows, in its address: a link to it shows the same. */
export interface ListSearch {
  readonly q?: string
  readonly labels?: string
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

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
  component: lazyRouteComponent(() => import('./kinds/detail.tsx'), 'DetailPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([overview, usage, list, detail]),
  basepath: '/console',
  defaultErrorComponent: Broken,
  defaultPreload: 'intent',
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
