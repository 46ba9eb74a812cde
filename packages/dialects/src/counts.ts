// Counts of tokens: asked of an upstream that counts in the caller's dialect, else estimated.
import { countBody, estimatedTokens } from './anthropic/usage.ts'
import { callerPort, callers } from './callers.ts'
import type { Carriage, CarriageOptions, Speech } from './carriage.ts'
import type { Ask, CountOperation } from './exchange.ts'
import { modelNameEdits } from './gemini/model-names.ts'
import { NamePlace } from './name-place.ts'
import { Raw, writeJson } from './raw.ts'
import { readErrorReply } from './refusals.ts'
import { modelEdit, spliced } from './splice.ts'

const none: readonly string[] = Object.freeze([])

/** The same bytes to an upstream of the caller's dialect; undefined where the count is to be estimated. */
export function carryCount(
  ask: Ask,
  to: Speech,
  { served }: Pick<CarriageOptions, 'served'>,
): Carriage | undefined {
  if (callers[ask.caller].dialect !== to.dialect) return undefined
  const { bytes, at, model } = ask
  const gemini = to.dialect === 'gemini'
  const path = gemini
    ? `${to.row.root}/models/${encodeURIComponent(served)}:countTokens`
    : '/v1/messages/count_tokens'
  return {
    path,
    body: spliced(
      bytes,
      gemini ? modelNameEdits(bytes, served) : modelEdit(bytes, at.model, { asked: model, served }),
    ),
    streamType: '',
    same: true,
    dropped: none,
    clamped: none,
    tap: () => {
      throw new TypeError('a count is not streamed')
    },
    reply: body => readCount(body, to),
  }
}

const counts = new NamePlace('model')

function readCount(body: Buffer, to: Speech) {
  if (!counts.find(body)) return undefined
  return readErrorReply(body, to) ?? { bytes: body, usage: undefined, error: undefined }
}

const bodies: Readonly<Record<CountOperation, (tokens: number) => Buffer>> = {
  count_tokens: countBody,
  countTokens: tokens => Buffer.from(writeJson({ totalTokens: tokens })),
}

/** The answer from an estimate of the text's tokens. Throws `invalid` for what the caller's dialect forbids. */
export function estimateCount(ask: Ask): Buffer {
  const inner = Raw.parse(ask.bytes)?.get('generateContentRequest')
  const bytes = inner?.kind === 'object' ? Buffer.from(inner.text) : ask.bytes
  const tokens = estimatedTokens(callerPort(ask.caller).readAsk(bytes, ask.line))
  return bodies[ask.operation === 'countTokens' ? 'countTokens' : 'count_tokens'](tokens)
}
