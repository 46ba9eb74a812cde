// Idempotency-Key: a POST that comes twice is carried out once, and answered alike both times.
import type { KeptAnswer, Store, WriteTransaction, Written } from '@switchyard/runtime'
import { type Caller, identityOf } from './authorize.ts'
import { invalid } from './invalid.ts'
import { canonical, isObject } from './merge-patch.ts'
import type { Answer } from './route.ts'

/** The caller's key, and what the request is under it. */
export interface RequestKey {
  readonly key: string
  readonly fingerprint: string
}

const keyPattern = /^[\x21-\x7e]{1,255}$/

/** `sign` is a keyed digest: a request may hold a password, whose plain digest could be guessed at. */
export function requestKey(
  given: string | readonly string[] | undefined,
  request: { readonly method: string; readonly url: string; readonly body: unknown },
  sign: (text: string) => string,
): RequestKey | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'string' || !keyPattern.test(given))
    throw invalid([
      { path: 'Idempotency-Key', rule: 'form', message: 'must be 1 to 255 visible ASCII characters' },
    ])
  const text = [request.method, request.url, canonical(request.body ?? null)].join('\0')
  return { key: given, fingerprint: sign(text) }
}

export interface KeyedWrite<T> {
  readonly answer: Answer
  /** Absent when the request had been carried out before. */
  readonly written?: Written<T>
}

/** A dry run leaves no trace, so it keeps no answer either. */
export async function writeKeyed<T>(
  store: Store,
  ask: { readonly caller: Caller; readonly dryRun: boolean; readonly once?: RequestKey | undefined },
  work: (tx: WriteTransaction) => Promise<T>,
  answer: (written: Written<T>) => KeptAnswer,
): Promise<KeyedWrite<T>> {
  const as = identityOf(ask.caller)
  if (!ask.once || ask.dryRun) {
    const written = await store.write(as, work, { dryRun: ask.dryRun })
    return { answer: answer(written), written }
  }
  const once = { ...ask.once, answer: (written: Written<T>) => withoutSecret(answer(written)) }
  const done = await store.writeOnce(as, once, work)
  if ('written' in done) return { answer: answer(done.written), written: done.written }
  const { status, headers, body } = done.kept
  return { answer: { status, headers: { ...headers, 'idempotency-replayed': 'true' }, body } }
}

function withoutSecret({ status, headers, body }: KeptAnswer): KeptAnswer {
  if (!isObject(body) || body.secret === undefined) return { status, headers, body }
  const { secret: _secret, ...rest } = body
  const warning = '299 - "The secret was shown in the first answer only; rotate the key if it was lost"'
  return { status, headers: { ...headers, warning }, body: rest }
}
