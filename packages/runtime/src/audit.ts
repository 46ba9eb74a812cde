// The trail: what is told, how it is numbered, and the ports of the log and of the archive that keeps it.
import type { Identity } from './store.ts'

export const auditOutcomes = ['success', 'denied', 'failed'] as const
export type AuditOutcome = (typeof auditOutcomes)[number]

/** An entry as who records it says it. The store adds id, time, actor and origin of the transaction. */
export interface NewAudit {
  /** null is the platform. */
  readonly workspace: string | null
  /** `invoice.issue`: a noun and a verb. */
  readonly action: string
  readonly resource?: {
    readonly kind: string
    readonly name?: string
    readonly uid?: string
    readonly version?: string
  }
  /** Default success. */
  readonly outcome?: AuditOutcome
  /** Code of the fault. */
  readonly code?: string
  readonly reason?: string
  /** The permission that was asked for. */
  readonly rule?: string
  /** How often it happened, of entries that stand for several. */
  readonly count?: number
  /** Who did it, where that is not whom the transaction works for; a caller's is always the caller. */
  readonly actor?: string
  /** Whom it was about, as a principal. */
  readonly subject?: string
  /** The thing before and after, without secrets. */
  readonly before?: unknown
  readonly after?: unknown
}

/** Entries that were committed and have no number yet, in their order. */
export interface PendingAudit {
  readonly entries: readonly Readonly<Record<string, unknown>>[]
  /** Entries of their workspaces before the batch; `''` is the platform, and one without entries is absent. */
  readonly counts: ReadonlyMap<string, number>
}

export interface AuditHead {
  /** Entries in the log. */
  readonly size: number
  /** RFC 3339 UTC; undefined before the first. */
  readonly sequencedAt: string | undefined
}

/** One entry as it is kept. */
export interface SequencedAudit {
  readonly seq: number
  readonly workspace: string | null
  readonly workspaceSeq: number
  readonly id: string
  readonly time: string
  readonly sequencedAt: string
  readonly actor: string
  readonly action: string
  readonly outcome: AuditOutcome
  readonly kind: string | null
  readonly name: string | null
  /** SHA-256 of RFC 6962. */
  readonly leaf: Uint8Array
  /** Canonical JSON. */
  readonly entry: string
}

/** Hashes of one tile from `offset` on. */
export interface TileGrowth {
  readonly level: number
  readonly n: number
  /** Hashes that the tile held before. */
  readonly offset: number
  readonly hashes: Uint8Array
}

/** Begins to number a batch. */
export type AuditNumbering = (state: AuditState) => AuditBatch

/** The store takes a few entries, has them numbered, and writes them while the next ones are. */
export interface AuditBatch {
  /** Makes entries of pending ones; they go on from those before. */
  add(pending: PendingAudit): Promise<readonly SequencedAudit[]>
  /** What the tree has grown by all of them. */
  grown(): readonly TileGrowth[]
}

/** What a batch is numbered by. */
export interface AuditState extends AuditHead {
  /** Right edge of the tree: the last, not yet full tile of each level. */
  readonly edge: readonly Uint8Array[]
  /** When the batch is numbered, never before the batch before it. */
  readonly at: string
}

export interface AuditQuery {
  readonly workspace?: string | undefined
  /** By the time of the act. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Any of these. */
  readonly actor?: readonly string[] | undefined
  /** Whole, or with a trailing `*`. */
  readonly action?: string | undefined
  readonly kind?: string | undefined
  /** Any of these. */
  readonly name?: readonly string[] | undefined
  readonly outcome?: AuditOutcome | undefined
  /** Entries before this seq, newest first; or after it with `ascending`. */
  readonly beyond?: number | undefined
  readonly ascending?: boolean
  readonly limit: number
}

export interface AuditRow {
  readonly seq: number
  readonly leaf: Uint8Array
  /** Canonical JSON. */
  readonly entry: string
}

export interface SignedCheckpoint {
  readonly size: number
  readonly note: string
}

/** What a person's entries are sealed under. */
export interface PersonKey {
  /** UUID. */
  readonly id: string
  /** Base64url; absent once the key was destroyed. `bound` must be the same to open it. */
  readonly seal?: (text: string, bound: string) => string
  /** Undefined where it was altered. */
  open(sealed: string, bound: string): string | undefined
}

/** Keys of the persons that the trail names, by who they are: `user:ann`, `email:ann@example.com`. */
export interface Persons {
  /** Makes keys that are not there yet. An act before a person was erased is that one's; `at` is RFC 3339 UTC. */
  of(whom: ReadonlySet<string>): Promise<(who: string, at: string) => PersonKey | undefined>
  /** Ids of those who are named so now. */
  known(whom: readonly string[]): Promise<readonly string[]>
  /** By id; without those whose keys are destroyed. */
  opening(ids: readonly string[]): Promise<ReadonlyMap<string, PersonKey>>
  /**
   * Destroys their keys, and for a user that of its mail address too: nobody reads any more what the trail tells of
   * them. Needs audit:erase on the platform. Answers whom it was, and whether the trail knew of them.
   */
  erase(as: Identity, whom: readonly string[]): Promise<readonly ErasedPerson[]>
}

export interface ErasedPerson {
  readonly principal: string
  /** UUID by which entries go on naming it. */
  readonly person: string
  readonly known: boolean
}

/** For how long the trail is kept. */
export interface Retention {
  /** What holds now. */
  readonly days: number
  /** A shorter one that was asked for, and from when it holds, RFC 3339 UTC. */
  readonly waiting: { readonly days: number; readonly from: string } | undefined
}

/** How far the log has come. Ages in seconds, 0 where nothing waits; moments in seconds since 1970. */
export interface AuditStanding {
  /** Of the oldest entry without a number. */
  readonly unnumbered: number
  readonly numberedAt: number | undefined
  /** Since the oldest entry that no checkpoint covers was numbered. */
  readonly unsigned: number
  readonly signedAt: number | undefined
  /** Since the oldest entry that the archive does not hold was numbered. */
  readonly unarchived: number
}

/** The log in the store. What is not said to be a caller's runs as the server's own role for it. */
export interface AuditStore {
  /** In a transaction of its own, for what has no other: a refusal. */
  record(entry: NewAudit): Promise<void>
  /** Under the identity's row-level security. */
  list(as: Identity, query: AuditQuery): Promise<readonly AuditRow[]>
  head(): Promise<AuditHead & { readonly archived: number; readonly pruned: number }>
  standing(): Promise<AuditStanding>
  /** Takes the log for this epoch; false when a newer one has it. */
  claim(epoch: bigint): Promise<boolean>
  /**
   * Numbers at most `limit` pending entries in one transaction, as `number` says; answers how many, or `stale` when
   * another epoch has the log, and then nothing has changed.
   */
  sequence(epoch: bigint, limit: number, number: AuditNumbering): Promise<number | 'stale'>
  /** Hashes of a tile, of as many as it holds; undefined when there is none. */
  tile(level: number, n: number): Promise<Uint8Array | undefined>
  /** Canonical texts of entries `[from, to)`; fewer where they were pruned. */
  entries(from: number, to: number): Promise<readonly string[]>
  /** The newest checkpoint. */
  checkpoint(): Promise<SignedCheckpoint | undefined>
  keepCheckpoint(checkpoint: SignedCheckpoint): Promise<void>
  /** Entries before this one stand in the archive. */
  markArchived(size: number): Promise<void>
  /** Puts back entries that the archive holds and the store has lost; they begin where the log ends. */
  restore(epoch: bigint, entries: readonly SequencedAudit[], tiles: readonly TileGrowth[]): Promise<boolean>
  /** Asks for so many days in all: more hold at once, fewer in a week. The trail tells of a change. */
  retain(days: number): Promise<Retention>
  /** Drops archived entries older than so many days; answers how many. */
  prune(keepDays: number): Promise<number>
}

/** Named bytes that are written once, and a few names that are replaced. A path has no `..` and no leading slash. */
export interface Objects {
  /** What holds the writer to it, in words for a person: `compliance lock for 1095 days`, or nothing but file modes. */
  readonly protection: string
  /** Nobody can take an object back before its time. */
  readonly writeOnce: boolean
  get(path: string): Promise<Uint8Array | undefined>
  /** The same bytes again are fine; other bytes under a name that stands are `conflict` (`object_differs`). */
  add(path: string, bytes: Uint8Array): Promise<void>
  /** Puts a name in place of what it held. */
  replace(path: string, bytes: Uint8Array): Promise<void>
  /** Lets go of what a later object holds whole. Where it is write-once it stays until its time. */
  discard(path: string): Promise<void>
  /** Names that begin so, in order. */
  list(prefix: string): Promise<readonly string[]>
}

export const auditForms = ['json', 'ocsf', 'cloudevents'] as const
export type AuditForm = (typeof auditForms)[number]

/** The log for those who follow it from outside. */
export interface AuditTrail {
  /** `name+hash+key` of each that signs. */
  readonly keys: readonly string[]
  /** What keeps the archive from being changed, in words. */
  readonly protection: string
  /** Nobody can take an archived entry back before its time. */
  readonly writeOnce: boolean
  /** The newest signed note; undefined before the first. */
  checkpoint(): Promise<string | undefined>
  /** By its path below the log, `tile/0/x001/067`; undefined when there is none. */
  tile(path: string): Promise<Uint8Array | undefined>
  /** Proofs under the newest checkpoint, of entries before its size. */
  prover(): Promise<{ readonly size: number; prove(seq: number): Promise<string> } | undefined>
  /** An entry's text in another form, as one line. */
  readonly present: Readonly<Record<AuditForm, (entry: string) => string>>
  /** With what the keys of the persons that they name open. */
  opened(entries: readonly string[]): Promise<readonly string[]>
  /** As entries have these: what is sealed is found by the person. */
  named(whom: readonly string[]): Promise<readonly string[]>
  /** As Persons. */
  erase(as: Identity, whom: readonly string[]): Promise<readonly ErasedPerson[]>
  /** Reads back what the archive holds and the database has lost; answers how many entries. */
  resume(): Promise<number>
}
