// Pending entries become entries of the log: numbered without a hole, in the log and in their workspace, written in
// their one form, hashed, and put into the tree.
import { hash } from 'node:crypto'
import {
  type AuditBatch,
  type AuditOutcome,
  type AuditState,
  auditOutcomes,
  type PendingAudit,
  type PersonKey,
  type Persons,
  type SequencedAudit,
} from '@switchyard/runtime'
import { canonical, type Json } from '../canonical.ts'
import { diffOf, type Operation, redactOperations } from './diff.ts'
import { hashLeaf } from './hash.ts'
import { personsIn, sealPersons } from './persons.ts'
import { growTiles, mostEntryBytes } from './tiles.ts'

/** Version of the form of an entry. */
const schema = 1

type Members = { readonly [name: string]: Json | undefined }

/** What the server says of an entry; all else of it stays as it was committed. */
interface Numbered {
  readonly seq: number
  readonly sequenced_at: string
  readonly workspace_seq: number
}

interface Numbers {
  readonly seq: number
  readonly workspaceSeq: number
  readonly at: string
}

/** Without keys of persons everything stands as it was told. */
export function numberEntries(state: AuditState, pending: readonly PendingAudit[]): AuditBatch {
  return finish(state, toldOf(state, pending), () => undefined)
}

/** The same, with what names a person sealed under that person's key. */
export const numbering =
  (persons: Pick<Persons, 'of'>) =>
  async (state: AuditState, pending: readonly PendingAudit[]): Promise<AuditBatch> => {
    const told = toldOf(state, pending)
    const keyAt = await persons.of(new Set(told.flatMap(personsIn)))
    return finish(state, told, keyAt)
  }

function toldOf(state: AuditState, pending: readonly PendingAudit[]): readonly Members[] {
  const counts = new Map(state.counts)
  return pending.map(({ entry }, i) => {
    const place = textOf(entry.workspace) ?? ''
    const workspaceSeq = counts.get(place) ?? 0
    counts.set(place, workspaceSeq + 1)
    return wholeOf(entry, { seq: state.size + i, workspaceSeq, at: state.at })
  })
}

type KeyAt = (who: string, at: string) => PersonKey | undefined

function finish(state: AuditState, told: readonly Members[], keyAt: KeyAt): AuditBatch {
  const entries = told.map(whole => entryOf(whole, keyAt))
  const leaves = entries.map(({ leaf }) => leaf)
  return { entries, tiles: growTiles(state.size, state.edge, leaves).tiles }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function wholeOf(given: PendingAudit['entry'], { seq, workspaceSeq, at }: Numbers): Members {
  // Why `as`: it was read from a jsonb column.
  const told = given as Members
  const { before, after, diff, workspace = null, ...rest } = told
  const changes = redactOperations(
    diff !== undefined
      ? (diff as unknown as readonly Operation[]) // written so by a trigger of the store
      : before !== undefined || after !== undefined
        ? diffOf(before ?? {}, after ?? {})
        : [],
  )
  return {
    ...withoutNulls(rest),
    ...(before === undefined ? {} : { before: digestOf(before) }),
    ...(after === undefined ? {} : { after: digestOf(after) }),
    ...(changes.length === 0 ? {} : { diff: changes as unknown as Json }), // operations are JSON
    schema,
    seq,
    sequenced_at: at,
    workspace,
    workspace_seq: workspaceSeq,
  }
}

function entryOf(whole: Members, keyAt: KeyAt): SequencedAudit {
  const time = textOf(whole.time)
  const { text, told } = fitting(whole, entry => sealPersons(entry, who => keyAt(who, time ?? '')))
  const resource = isMembers(told.resource) ? told.resource : {}
  const actor = isMembers(told.actor) ? textOf(told.actor.id) : undefined
  const { seq, sequenced_at: at, workspace_seq: workspaceSeq } = whole as unknown as Numbered // as `wholeOf` wrote it
  return {
    seq,
    workspace: textOf(told.workspace) ?? null,
    workspaceSeq,
    id: textOf(told.id) ?? '',
    time: time ?? at,
    sequencedAt: at,
    actor: actor ?? 'system:unknown',
    action: textOf(told.action) ?? 'unknown',
    outcome: outcomeOf(told.outcome),
    kind: textOf(resource.kind) ?? null,
    name: textOf(resource.name) ?? null,
    leaf: hashLeaf(Buffer.from(text)),
    entry: text,
  }
}

const isMembers = (value: Json | undefined): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const withoutNulls = (members: Members): Members =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null))

function outcomeOf(value: Json | undefined): AuditOutcome {
  return auditOutcomes.find(outcome => outcome === value) ?? 'success'
}

/** SHA-256 of the canonical form. */
const digestOf = (value: Json): string => `sha256:${hash('sha256', canonical(value), 'hex')}`

/** Members that may grow large give way to their digests, the largest first, until the entry fits. */
function fitting(
  whole: Members,
  seal: (entry: Members) => Members,
): { readonly text: string; readonly told: Members } {
  const told = seal(whole)
  const text = canonical(told)
  if (Buffer.byteLength(text) <= mostEntryBytes) return { text, told }
  const bulky = Object.entries(whole)
    .filter(([name]) => !fixed.has(name))
    .map(([name, value = null]) => ({ name, value, bytes: Buffer.byteLength(canonical(value)) }))
    .sort((a, b) => b.bytes - a.bytes)
  const [largest] = bulky
  if (!largest) throw new TypeError('an entry of the log has no member that can give way')
  const { name, value, bytes } = largest
  return fitting({ ...whole, [name]: { bytes, digest: digestOf(value) } }, seal)
}

/** What an entry is found and checked by. */
const fixed: ReadonlySet<string> = new Set([
  'action',
  'id',
  'outcome',
  'schema',
  'seq',
  'sequenced_at',
  'time',
  'workspace',
  'workspace_seq',
])
