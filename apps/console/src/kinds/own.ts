// What the pages of some kinds have beside what every kind's page has. Each is a chunk of its own.
import { type ComponentType, type LazyExoticComponent, lazy } from 'react'
import type { Document, KindInfo } from '../api/catalogue.ts'

export interface Shown {
  readonly kind: KindInfo
  readonly document: Document
}

export interface OwnTab {
  /** A word of the room `kinds`. */
  readonly key:
    | 'events'
    | 'flow'
    | 'use'
    | 'rights'
    | 'sessions'
    | 'access'
    | 'gives'
    | 'holders'
    | 'rates'
    | 'versions'
    | 'spending'
    | 'calling'
    | 'replicas'
    | 'logs'
    | 'metrics'
    | 'test'
  readonly Body: LazyExoticComponent<ComponentType<Shown>>
}

const rights: OwnTab = {
  key: 'rights',
  Body: lazy(async () => ({ default: (await import('../people/rights.tsx')).RightsTab })),
}

/** Acts that ask for more than a yes, by kind and verb: the tab on which they are done. */
export const ownActs: Readonly<Record<string, Readonly<Record<string, OwnTab['key']>>>> = {
  ApiKey: { rotate: 'calling' },
}

/** By kind, in the order in which they stand after the summary. */
export const ownTabs: Readonly<Record<string, readonly OwnTab[]>> = {
  Endpoint: [
    { key: 'replicas', Body: lazy(() => import('../endpoint/replicas.tsx')) },
    { key: 'logs', Body: lazy(() => import('../endpoint/logs.tsx')) },
    { key: 'metrics', Body: lazy(() => import('../endpoint/metrics.tsx')) },
    { key: 'test', Body: lazy(() => import('../endpoint/test-call.tsx')) },
  ],
  Replica: [{ key: 'logs', Body: lazy(() => import('../endpoint/logs.tsx')) }],
  Provider: [{ key: 'use', Body: lazy(() => import('../routes/provider.tsx')) }],
  Route: [{ key: 'flow', Body: lazy(() => import('../routes/flow.tsx')) }],
  User: [
    rights,
    {
      key: 'sessions',
      Body: lazy(async () => ({ default: (await import('../people/sessions.tsx')).SessionsTab })),
    },
    {
      key: 'access',
      Body: lazy(async () => ({ default: (await import('../people/access.tsx')).AccessTab })),
    },
  ],
  ServiceAccount: [rights],
  Role: [
    { key: 'gives', Body: lazy(async () => ({ default: (await import('../people/role.tsx')).RoleTab })) },
    {
      key: 'holders',
      Body: lazy(async () => ({ default: (await import('../people/role.tsx')).HoldersTab })),
    },
  ],
  Budget: [{ key: 'spending', Body: lazy(() => import('../books/spending.tsx')) }],
  PriceBook: [
    { key: 'rates', Body: lazy(() => import('../books/rates.tsx')) },
    { key: 'versions', Body: lazy(() => import('../books/versions.tsx')) },
  ],
  ApiKey: [{ key: 'calling', Body: lazy(() => import('../keys/use.tsx')) }],
}
