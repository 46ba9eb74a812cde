// What every way of deleting shares: who may not go, and the mark of one that is going.
import { type Document, Fault, findKind, type Kind } from '@switchyard/kinds'
import type { Caller } from './authorize.ts'
import { builtinLabel, withPhase } from './document.ts'

export function kindOf({ kind }: Pick<Document, 'kind'>): Kind {
  const found = findKind(kind)
  if (!found) throw new TypeError(`${kind} is no kind.`)
  return found
}

export function checkShipped({ kind, metadata }: Document): void {
  if (metadata.labels[builtinLabel] !== 'true') return
  throw new Fault('denied', `${kind} ${metadata.name} comes with Switchyard and cannot be deleted.`, {
    reason: 'builtin',
  })
}

/** The document as it stands from now until its row goes. */
export function marked(document: Document, caller: Caller, now: number): Document {
  const at = new Date(now).toISOString()
  const metadata = {
    ...document.metadata,
    generation: document.metadata.generation + 1,
    deletionTimestamp: at,
    updateTimestamp: at,
    updatedBy: caller.principal,
  }
  return withPhase(kindOf(document), { ...document, metadata })
}
