// What a document says of its sealed secrets: that they are there, which they are, and since when. Never what.
import { createHash } from 'node:crypto'
import { type Document, Fault, type Kind } from '@switchyard/kinds'
import type { Draft } from './draft.ts'
import { isObject } from './merge-patch.ts'

/** A field that was written empty, which takes its value away. */
export const emptyFields = '{}'

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
): SealedStatus {
  if (secretForm !== 'sealed' || secrets.size === 0) return before
  const set = new Set(before.set)
  for (const [field, value] of secrets)
    if (value === emptyFields) set.delete(field)
    else set.add(field)
  // The value is what a person compares with a provider's own list; without one it's all the rest.
  const told = secrets.get('value') ?? (set.has('value') ? undefined : secrets.get('headers'))
  const { fingerprint: known } = before
  const fingerprint = told === undefined ? known : fingerprintOf(told)
  return { ...(fingerprint === undefined ? {} : { fingerprint }), set: [...set].sort(), rotatedAt: at }
}

export function withSealedStatus(kind: Kind, document: Document, draft: Draft, at: string): Document {
  if (kind.secretForm !== 'sealed') return document
  const before = isObject(document.status) ? document.status : {}
  // Why `as`: the kind's own schema says what its status holds.
  return { ...document, status: { ...before, ...sealedStatus(kind, before as SealedStatus, draft, at) } }
}

/** First 8 hex digits of the SHA-256. */
function fingerprintOf(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 8)
}

export function noVault(): Fault {
  return new Fault('unsupported', 'This server has no master key, so it can keep no secret values.', {
    reason: 'no_vault',
    status: 501,
  })
}
