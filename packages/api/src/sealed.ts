// What a document says of its sealed secrets: that they are there, which they are, and since when. Never what.
import { type Document, Fault, type Kind } from '@switchyard/kinds'
import type { Draft, NewSecrets } from './draft.ts'
import type { Fingerprint } from './fingerprints.ts'
import { isObject } from './merge-patch.ts'

interface SealedStatus {
  readonly fingerprint?: string
  readonly set?: readonly string[]
  readonly rotatedAt?: string
}

/** What the status says once the draft's secrets are kept; empty for kinds that seal none. */
export function sealedStatus(
  { secretForm }: Pick<Kind, 'secretForm'>,
  before: SealedStatus,
  { secrets }: Pick<Draft, 'secrets'>,
  at: string,
  print: Fingerprint | undefined,
): SealedStatus {
  if (secretForm !== 'sealed' || secrets.size === 0) return before
  if (!print) throw noVault()
  const set = new Set(before.set)
  for (const [field, value] of secrets)
    if (value === null) set.delete(field)
    else set.add(field)
  // With a value that stays, nothing that is shown has changed.
  const shown = secrets.has('value') || !set.has('value') ? shownOf(secrets) : undefined
  const { fingerprint: known } = before
  const fingerprint = typeof shown === 'string' ? print(shown) : set.size === 0 ? undefined : known
  return { ...(fingerprint === undefined ? {} : { fingerprint }), set: [...set].sort(), rotatedAt: at }
}

/** Of which secrets the fingerprint is: the value, and without one all the rest. */
export function shownOf(secrets: NewSecrets): string | undefined {
  return secrets.get('value') ?? secrets.get('headers') ?? undefined
}

export function withSealedStatus(
  kind: Kind,
  document: Document,
  draft: Draft,
  at: string,
  print: Fingerprint | undefined,
): Document {
  if (kind.secretForm !== 'sealed') return document
  const before = isObject(document.status) ? document.status : {}
  // Why `as`: the kind's own schema says what its status holds.
  return {
    ...document,
    status: { ...before, ...sealedStatus(kind, before as SealedStatus, draft, at, print) },
  }
}

export function noVault(): Fault {
  return new Fault('unsupported', 'This server has no master key, so it can keep no secret values.', {
    reason: 'no_vault',
    status: 501,
  })
}
