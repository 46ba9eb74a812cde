// Carries what OpenAI alone has a word for: as the same bytes, to upstreams of OpenAI's dialect.
import { Fault } from '@switchyard/kinds'
import type { Carriage, CarriageOptions, Speech, Tap } from './carriage.ts'
import type { Ask } from './exchange.ts'
import { openaiCarriage } from './pass.ts'

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
  if (ask.operation !== 'audio.speech') return carriage
  return {
    ...carriage,
    streamType: '',
    tap: () => new SoundTap(),
    reply: bytes => ({ bytes, usage: undefined, error: undefined }),
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
