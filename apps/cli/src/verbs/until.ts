// Waits by watching until something is decided about one document.
import type { Client, Ref } from '@switchyard/client'
import { type Condition, type Document, Fault, type Kind } from '@switchyard/kinds'
import { readPath } from '../output/cell.ts'
import { shortName } from '../output/formats.ts'

/** `no` means that it can't come true any more. */
export type Verdict = 'yes' | 'no' | 'wait'

/** `last` is the state before the document went away. */
export type Decide = (document: Document | undefined, last: Document | undefined) => Verdict

export interface Decided {
  readonly verdict: 'yes' | 'no'
  readonly document: Document | undefined
}

export const conditionsOf = (document: Document): readonly Condition[] => {
  const conditions = readPath(document, 'status.conditions')
  return Array.isArray(conditions) ? (conditions as readonly Condition[]) : [] // as the envelope says
}

/** How a document stands, as a person reads it: phase, and the first condition that says why not. */
export function standing(document: Document | undefined): string {
  if (!document) return 'is not there'
  const phase = readPath(document, 'status.phase')
  const why = conditionsOf(document).find(({ type, status }) => status === 'False' && type !== 'Degraded')
  const reason = why ? ` (${why.type}: ${why.reason}, ${why.message})` : ''
  return `is ${typeof phase === 'string' ? phase : 'without a phase'}${reason}`
}

export async function until(
  client: Client,
  kind: Kind,
  ref: Ref,
  decide: Decide,
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<Decided> {
  const workspace = ref.workspace ?? null
  const deadline = AbortSignal.timeout(seconds * 1000)
  let current: Document | undefined
  let last: Document | undefined
  let synced = false
  try {
    const events = client.watch(kind.kind, {
      workspace,
      fieldSelector: `metadata.name=${ref.name}`,
      signal: AbortSignal.any([signal, deadline]),
    })
    for await (const event of events) {
      if (event.type === 'RELISTED') {
        synced = false
        current = undefined
      } else if (event.type === 'SYNCED') synced = true
      else if (event.document.metadata.workspace === workspace) {
        last = event.document
        current = event.type === 'DELETED' ? undefined : event.document
      }
      if (!synced && current === undefined) continue
      const verdict = decide(current, last)
      if (verdict !== 'wait') return { verdict, document: current ?? last }
    }
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'deadline' || signal.aborted) throw error
    const name = shortName(kind, ref.name)
    throw new Fault('deadline', `Waited ${seconds} s: ${name} ${standing(current)}.`, { cause: error })
  }
  throw new TypeError('a watch ends only by its signal')
}

const settling = ['Ready', 'Validated', 'Connected'] as const
const failed = new Set(['Failed', 'Invalid'])
/** Reasons of an endpoint that is not ready and yet as it should be. */
const resting = new Set(['Paused', 'Idle'])

/** Whether a document has become what its spec asks for; a kind without conditions is so at once. */
export function settled(kind: Kind): Decide {
  const type = settling.find(name => kind.conditions[name])
  return document => {
    if (!document) return 'no'
    if (!type) return 'yes'
    const { generation } = document.metadata
    const condition = conditionsOf(document).find(one => one.type === type)
    if (!condition || condition.observedGeneration < generation) return 'wait'
    if (condition.status === 'True' || resting.has(condition.reason)) return 'yes'
    return failed.has(String(readPath(document, 'status.phase'))) ? 'no' : 'wait'
  }
}
