// Carries what OpenAI alone has a word for: as the same bytes, to upstreams of OpenAI's dialect.
import { Fault } from '@switchyard/kinds'
import type { Carriage, CarriageOptions, Reply, Speech, Tap } from './carriage.ts'
import type { Ask } from './exchange.ts'
import { openaiCarriage } from './pass.ts'
import { Raw } from './raw.ts'

/** Throws `unsupported_by_model` where the upstream speaks another dialect. `path` is the caller's own. */
export function carryOpenai(
  ask: Ask,
  path: string,
  to: Speech,
  options: Pick<CarriageOptions, 'served' | 'shown'>,
): Carriage {
  if (to.dialect !== 'openai' && to.dialect !== 'responses') throw unsupportedByModel(ask)
  const streamUsage = to.dialect === 'openai' && to.row.streamUsage && ask.operation === 'completions'
  const carriage = openaiCarriage(ask, path, streamUsage, options)
  if (ask.operation === 'images.generations')
    return { ...carriage, reply: body => withImageUsage(body, carriage.reply(body)) }
  if (ask.operation !== 'audio.speech') return carriage
  return {
    ...carriage,
    streamType: '',
    tap: () => new SoundTap(),
    reply: bytes => ({ bytes, usage: undefined, error: undefined }),
  }
}

/** Images are reported under names of their own, and all that is made is image. */
function withImageUsage(body: Buffer, reply: Reply | undefined): Reply | undefined {
  const report = reply && Raw.parse(body)?.get('usage')
  const count = (raw: Raw | undefined) => {
    const value = raw?.number()
    return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined
  }
  const input = count(report?.get('input_tokens'))
  const output = count(report?.get('output_tokens'))
  if (!reply || (input === undefined && output === undefined)) return reply
  const seen = count(report?.get('input_tokens_details')?.get('image_tokens')) ?? 0n
  const whole = seen <= (input ?? 0n)
  const quantities = {
    ...(whole && seen > 0n && { 'tok.in.image': seen }),
    ...(input !== undefined && { 'tok.in.uncached': whole ? input - seen : input }),
    ...(output !== undefined && { 'tok.out.image': output }),
  }
  return {
    ...reply,
    usage: { quantities, source: 'provider', flags: whole ? [] : ['partition_mismatch'] },
  }
}

/** The upstream's dialect has no such operation. */
export function unsupportedByModel({ operation, model }: Pick<Ask, 'operation' | 'model'>): Fault {
  const message = `'${model}' has no ${operation}: ask a model that has, or use another operation.`
  return new Fault('invalid', message, {
    reason: 'unsupported_by_model',
    details: [{ path: 'model', rule: 'unsupported_by_model', message }],
  })
}

const nothing = Buffer.alloc(0)

/** Sound is not looked into: it passes as it comes, and is whole when the upstream ends it. */
class SoundTap implements Tap {
  out: Buffer | undefined
  begun = false
  readonly deltas = 0
  readonly usage = undefined
  readonly malformed = 0
  terminal: Buffer | undefined
  readonly error = undefined

  push(chunk: Buffer): void {
    this.begun = true
    this.out = chunk
  }

  finish(): void {
    this.out = undefined
    if (this.begun) this.terminal = nothing
  }

  /** There is no word for a fault in the middle of sound: the connection is cut. */
  fail(): Buffer {
    return nothing
  }
}
