// Pending entries become entries of the log: numbered without a hole, in the log and in their workspace, written in
// their one form, hashed, and put into the tree.
import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import {
  type AuditNumbering,
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
import { hashLeafText } from './hash.ts'
import { sealPersons, tellingsOf } from './persons.ts'
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
export const numberEntries: AuditNumbering = batchOf(
  () => async told => told.map(whole => entryOf(whole, entry => entry)),
)

/** So many are made before what the database has answered meanwhile is looked at. */
const breath = 10

/** The same, with what names a person sealed under that person's key. */
export const numbering = (persons: Pick<Persons, 'of'>): AuditNumbering =>
  batchOf(({ at: begun }) => {
    const keys = new Map<string, KeyAt>()
    return async told => {
      const all = told.map(tellingsOf)
      const whom = new Set<string>()
      for (const [i, { time }] of told.entries()) {
        // Who acts after the batch began may be erased since, and be somebody else by that name.
        const isLater = (textOf(time) ?? '') > begun
        for (const { who } of all[i] ?? []) if (isLater || !keys.has(who)) whom.add(who)
      }
      if (whom.size > 0) {
        const found = await persons.of(whom)
        for (const who of whom) keys.set(who, found)
      }
      const entries: SequencedAudit[] = []
      for (const [i, whole] of told.entries()) {
        const made = entryOf(whole, (entry, time) =>
          // What had to give way to its digest tells nothing any more.
          sealPersons(entry, who => keys.get(who)?.(who, time), entry === whole ? all[i] : tellingsOf(entry)),
        )
        entries.push(made)
        if (entries.length % breath === 0) await setImmediate()
      }
      return entries
    }
  })

type KeyAt = (who: string, time: string) => PersonKey | undefined

type Make = (told: readonly Members[]) => Promise<readonly SequencedAudit[]>

/** `making` makes, for one batch, entries of what is told and numbered. */
function batchOf(making: (state: AuditState) => Make): AuditNumbering {
  return state => {
    const make = making(state)
    const leaves: Uint8Array[] = []
    const counts = new Map<string, number>()
    let seq = state.size
    return {
      async add(pending) {
        const told = pending.entries.map(entry => {
          const place = textOf(entry.workspace) ?? ''
          const workspaceSeq = counts.get(place) ?? pending.counts.get(place) ?? 0
          counts.set(place, workspaceSeq + 1)
          return wholeOf(entry, { seq: seq++, workspaceSeq, at: state.at })
        })
        const entries = await make(told)
        for (const { leaf } of entries) leaves.push(leaf)
        return entries
      },
      grown: () => growTiles(state.size, state.edge, leaves).tiles,
    }
  }
}

type Seal = (entry: Members, time: string) => Members

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function wholeOf(given: PendingAudit['entries'][number], { seq, workspaceSeq, at }: Numbers): Members {
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
  const whole = withoutNulls(rest)
  if (before !== undefined) whole.before = digestOf(before)
  if (after !== undefined) whole.after = digestOf(after)
  if (changes.length > 0) whole.diff = changes as unknown as Json // operations are JSON
  const numbered: Numbered & Members = { seq, sequenced_at: at, workspace_seq: workspaceSeq }
  return Object.assign(whole, numbered, { schema, workspace })
}

function entryOf(whole: Members, seal: Seal): SequencedAudit {
  const time = textOf(whole.time)
  const { text, told } = fitting(whole, entry => seal(entry, time ?? ''))
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
    leaf: hashLeafText(text),
    entry: text,
  }
}

const isMembers = (value: Json | undefined): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function withoutNulls(members: Members): Record<string, Json | undefined> {
  const kept: Record<string, Json | undefined> = {}
  for (const name of Object.keys(members)) if (members[name] !== null) kept[name] = members[name]
  return kept
}

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
