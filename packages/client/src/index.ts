// The control plane's API over HTTP, typed.
export type { MasterKeys } from './admin.ts'

export type { AuditEntry, AuditFilter } from './audit.ts'
export type { Balance, EntriesQuery, Entry, MoneyOrder } from './balances.ts'
export type { Turn } from './chat.ts'
export type { Client, ClientOptions } from './client.ts'
export { createClient } from './client.ts'
export type { CheckedConfiguration, ConfigurationState, RouteAsk, RouteExplanation } from './configuration.ts'
export type {
  Created,
  Deleted,
  DeleteOptions,
  DocumentList,
  KindName,
  ListQuery,
  Manifest,
  Ref,
  WatchQuery,
  WriteOptions,
} from './documents.ts'
export type {
  BookVersionRow,
  EventQuery,
  EventRow,
  ExplainedEvent,
  LogQuery,
  LogRow,
  QuarantinedRow,
  ResolvedRow,
  UsageAnswer,
  UsageQuery,
  UsageRow,
} from './facts.ts'
export type { OneTimeLink } from './people.ts'
export type { Session, Whoami } from './session.ts'
export type { WatchEvent } from './watch.ts'
