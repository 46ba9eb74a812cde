// An entry of the log as whoever checks it reads it: from its canonical text, without trusting who wrote it.
import { Fault } from '@switchyard/kinds'
import { type AuditOutcome, auditOutcomes, type SequencedAudit } from '@switchyard/runtime'
import { hashLeaf } from './hash.ts'

/** What is checked of every entry. */
export interface Numbered {
  readonly seq: number
  readonly sequencedAt: string
  readonly workspace: string | null
  readonly workspaceSeq: number
}

/** Canonical JSON sorts its members, so these stand at the end of every entry, whatever the rest of it says. */
const numbers = '"schema":1,"seq":'
const tail =
  /^"schema":1,"seq":(\d+),"sequenced_at":"([^"]{24})",(?:"subject":"(?:[^"\\]|\\.)*",)?"time":"[^"]*","workspace":(null|"(?:[^"\\]|\\.)*"),"workspace_seq":(\d+)\}$/

/** Undefined when the text has not the form of an entry. Reads no more than it must: a log is read whole. */
export function numbersOf(entry: Uint8Array): Numbered | undefined {
  const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength)
  const at = bytes.lastIndexOf(numbers)
  if (at < 0) return undefined
  const [, seq, sequencedAt, workspace, workspaceSeq] = tail.exec(bytes.toString('utf8', at)) ?? []
  if (sequencedAt === undefined || workspace === undefined) return undefined
  return {
    seq: Number(seq),
    sequencedAt,
    // Why `as`: the pattern lets a string or null through.
    workspace: JSON.parse(workspace) as string | null,
    workspaceSeq: Number(workspaceSeq),
  }
}

/** The row of the database that an archived entry came from. `invalid` (`bad_entry`) when it is none. */
export function entryOf(bytes: Uint8Array): SequencedAudit {
  const entry = Buffer.from(bytes).toString()
  const numbered = numbersOf(bytes)
  const told: unknown = JSON.parse(entry)
  if (!numbered || !isRecord(told))
    throw new Fault('invalid', 'An archived entry has not the form of one.', { reason: 'bad_entry' })
  const actor = isRecord(told.actor) ? told.actor : {}
  const resource = isRecord(told.resource) ? told.resource : {}
  return {
    ...numbered,
    id: String(told.id),
    time: String(told.time),
    actor: String(actor.id),
    action: String(told.action),
    outcome: outcomeOf(told.outcome),
    kind: typeof resource.kind === 'string' ? resource.kind : null,
    name: typeof resource.name === 'string' ? resource.name : null,
    leaf: hashLeaf(bytes),
    entry,
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const outcomeOf = (value: unknown): AuditOutcome =>
  auditOutcomes.find(outcome => outcome === value) ?? 'success'
