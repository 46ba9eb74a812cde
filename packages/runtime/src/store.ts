// The store as every plane sees it: documents written in transactions, a commit-ordered change log, leases.
// PostgreSQL implements it in packages/store; planes receive it as an argument.
import type { Document } from '@switchyard/kinds'
import type { NewAudit } from './audit.ts'

/**
 * Who a transaction runs as. `caller` runs under row-level security with the principal's own grants,
 * narrowed by `scopes` and, when set, to one workspace. `control`, `agent` and `gateway` are roles of the
 * server with their own policies.
 */
export type Identity =
  | {
      readonly role: 'caller'
      /** `user:NAME`, `serviceaccount:WORKSPACE/NAME` or `system:operator`. */
      readonly principal: string
      /** Permission patterns that narrow the principal's grants; `['*']` narrows nothing. */
      readonly scopes: readonly string[]
      /** An API key reaches one workspace only. */
      readonly workspace?: string
    }
  | { readonly role: 'control' | 'agent' | 'gateway' }

export interface Key {
  readonly kind: string
  /** null is the platform. */
  readonly workspace: string | null
  readonly name: string
}

export interface Fence {
  readonly lease: string
  readonly epoch: bigint
}

/** One requirement of a label selector or a field selector. */
export interface Requirement {
  /** Label key, or a dotted document path. */
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | 'absent'
  readonly values: readonly string[]
}

export interface ListQuery {
  readonly kind: string
  /** A workspace, null for platform documents only, absent for every one that the identity may read. */
  readonly workspace?: string | null
  readonly labels?: readonly Requirement[]
  readonly fields?: readonly Requirement[]
  /** Substring of name or displayName, case-folded. */
  readonly q?: string
  readonly sort?: 'name' | '-creationTimestamp'
  /** 1 to 500; absent means all (for control). */
  readonly limit?: number
  /** Position after which to go on, as `next` of an earlier page gave it. */
  readonly after?: string
  readonly count?: boolean
}

export interface Page {
  readonly items: readonly Document[]
  /** Version of the log at which this page was read: a watch from here misses nothing. */
  readonly version: string
  readonly next?: string
  readonly count?: number
}

export interface ReadTransaction {
  get(key: Key): Promise<Document | undefined>
  list(query: ListQuery): Promise<Page>
  /** Documents whose references point at this one, at most `limit`, and how many there are in all. */
  referrers(
    id: string,
    limit: number,
  ): Promise<{ readonly referrers: readonly Key[]; readonly total: number }>
}

export interface ReferenceTo {
  readonly path: string
  readonly id: string
}

/** A hashed secret kept beside a document, readable by no caller: an API key's SHA-256, a password's PHC string. */
export interface SecretHash {
  readonly field: string
  readonly hash: string
  /** The hash that goes on being accepted until `previousUntil`. */
  readonly previous?: { readonly hash: string; readonly until: string }
}

export interface WriteTransaction extends ReadTransaction {
  /** Locks the row until commit: `share` for a reference's target, `update` before a change or delete. */
  lock(key: Key, mode: 'share' | 'update'): Promise<Document | undefined>
  /**
   * Holds a workspace until commit for whoever writes into it, also one who may not read it: whether it stands or is
   * being deleted; undefined when there is none.
   */
  holdWorkspace(name: string): Promise<'standing' | 'leaving' | undefined>
  /** Adds a document; `conflict` (`taken`) when the name stands. */
  insert(document: Document, references: readonly ReferenceTo[]): Promise<Document>
  /**
   * Writes metadata, spec and status of the document with this id. `stale` when the stored
   * resourceVersion is not `document.metadata.resourceVersion`. A null `references` leaves them as they are.
   */
  update(document: Document, references: readonly ReferenceTo[] | null): Promise<Document>
  /** Takes the row away and leaves a tombstone in the log; `conflict` (`in_use`) while references stand. */
  remove(document: Document): Promise<void>
  putSecret(id: string, secret: SecretHash): Promise<void>
  /** Takes away what a secret field holds, hashed or sealed; nothing where it holds nothing. */
  dropSecret(id: string, field: string): Promise<void>
  /** Adds an Event, or counts it up when the same (object, type, reason, message) came within 10 minutes. */
  event(event: NewEvent): Promise<void>
  /** Tells the trail of an act that no document's change tells; commits with the rest or not at all. */
  audit(entry: NewAudit): Promise<void>
}

export interface NewEvent {
  readonly object: Key & { readonly id: string }
  readonly type: 'Normal' | 'Warning'
  /** CamelCase. */
  readonly reason: string
  readonly message: string
}

export interface EventRecord extends NewEvent {
  readonly id: string
  readonly firstAt: string
  readonly lastAt: string
  readonly count: number
}

export interface Written<T> {
  readonly value: T
  /** The documents written, by id, with the resourceVersion that the commit gave them. */
  readonly documents: ReadonlyMap<string, Document>
  /** Newest version this transaction wrote; undefined when it wrote nothing. */
  readonly version?: string
}

export interface Change {
  readonly version: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** State after the change; for DELETED the last state, with the version of the deletion. */
  readonly document: Document
  /** State before the change, so that a selector can tell who starts and who stops matching. */
  readonly before?: Document
}

/** What a request was answered, without what is shown once. */
export interface KeptAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** A request that may come twice and is carried out once, for 24 hours, by the caller's principal. */
export interface Once<T> {
  /** As the caller chose it. */
  readonly key: string
  /** Of the whole request: another one under the same key is `conflict` (`idempotency_reuse`). */
  readonly fingerprint: string
  readonly answer: (written: Written<T>) => KeptAnswer
}

/** A permission held by a principal; workspace null is everywhere. */
export interface Grant {
  readonly workspace: string | null
  readonly permission: string
}

export interface Store {
  read<T>(as: Identity, work: (tx: ReadTransaction) => Promise<T>): Promise<T>
  /**
   * One transaction. Every write of it becomes visible at once, under versions assigned in commit order.
   * `dryRun` rolls back. With a fence, another epoch of that lease writes nothing: `conflict` (`fenced`).
   */
  write<T>(
    as: Identity,
    work: (tx: WriteTransaction) => Promise<T>,
    options?: { readonly dryRun?: boolean; readonly fence?: Fence },
  ): Promise<Written<T>>
  /**
   * Like `write`, and keeps the answer in the same transaction. A second run of the same request waits for the
   * first and is given that answer; its own work is not run.
   */
  writeOnce<T>(
    as: Extract<Identity, { readonly role: 'caller' }>,
    once: Once<T>,
    work: (tx: WriteTransaction) => Promise<T>,
  ): Promise<{ readonly written: Written<T> } | { readonly kept: KeptAnswer }>
  /** Newest committed version. */
  version(as: Identity): Promise<string>
  /**
   * Changes after `after` that the identity may read, in version order, at most `limit`; `through` is the
   * version that is safe to go on from. `expired` when the log no longer reaches back to `after`.
   */
  changes(
    as: Identity,
    after: string,
    limit: number,
    kinds?: readonly string[],
  ): Promise<{ readonly changes: readonly Change[]; readonly through: string }>
  /** Resolves when something may have been committed, or after `milliseconds`: a wake, never a truth. */
  wake(milliseconds: number, signal: AbortSignal): Promise<void>
  grants(principal: string): Promise<readonly Grant[]>
  /** The same, each with what it comes from. */
  grantSources(principal: string): Promise<readonly SourcedGrant[]>
  events(
    as: Identity,
    query: { readonly workspace?: string; readonly object?: Partial<Key>; readonly limit: number },
  ): Promise<readonly EventRecord[]>
}

/** A grant and what gives it: a RoleAssignment, or what an IdentityProvider maps a group to. */
export interface SourcedGrant extends Grant {
  /** The principal itself, or a group that it is in: `group:corp/ml-team`. */
  readonly through: string
  /** Id of the RoleAssignment; of nothing where a provider gives it. */
  readonly assignment: string
  /** Id of the IdentityProvider. */
  readonly provider: string | undefined
  /** RFC 3339 UTC. */
  readonly expiresAt: string | undefined
}

/** Hashed secrets, readable by the server's own roles alone. */
export interface Secrets {
  secret(id: string, field: string): Promise<SecretHash | undefined>
  /** Every API key's hash (lower-case hex SHA-256), by the id of its document. */
  keyHashes(): Promise<readonly (SecretHash & { readonly id: string })[]>
  /** Every grant of every principal, for compiling the gateway's snapshot. */
  allGrants(): Promise<readonly (Grant & { readonly principal: string })[]>
}

/** Leases with fencing, on the database's clock. */
export interface Leases {
  /** Takes the lease when free or lapsed (epoch + 1), renews it when held; undefined when another holds it. */
  acquire(name: string, holder: string, seconds: number): Promise<Fence | undefined>
  release(name: string, holder: string): Promise<void>
  /** Gives back all that a process held which is known to be dead, so that nobody waits for it to lapse. */
  releaseAll(holder: string): Promise<void>
}
