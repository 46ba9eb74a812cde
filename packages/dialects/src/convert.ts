// Carries a request to an upstream of another dialect, through the canonical form, and its answer back.
import { Fault } from '@switchyard/kinds'
import { answerId, callerPort } from './callers.ts'
import type { Carriage, CarriageOptions, Filter, Listener, Reply, Speech, Tap } from './carriage.ts'
import type { Conversation, Delta } from './conversation.ts'
import type { About, ChatPort, Decoder, Encoder } from './dialect.ts'
import type { Ask, CallerName, Usage } from './exchange.ts'
import { errorOf, Heard } from './heard.ts'
import { restoreNames } from './ids.ts'
import { unsupportedParameter } from './raw.ts'
import { mayJoinTokens, speeches, upstreamPort } from './speech.ts'

const nothing = Buffer.alloc(0)
const read = new WeakMap<Ask, Conversation>()

/** The caller's conversation, read once however often it is sent. Throws `invalid` for what its dialect forbids. */
export function conversationOf(ask: Ask): Conversation {
  const known = read.get(ask)
  if (known) return known
  const conversation = callerPort(ask.caller).readAsk(ask.bytes, ask.line, ask.ends)
  read.set(ask, conversation)
  return conversation
}

/** Throws `invalid` for what the upstream's dialect can't say. */
export function carryConverted(
  caller: CallerName,
  conversation: Conversation,
  to: Speech,
  options: CarriageOptions,
): Carriage {
  const { served, shown = served, strict, maxOutput, filter, listen } = options
  const upstream = upstreamPort(to)
  const port = callerPort(caller)
  const unscored = filter && conversation.logprobs !== undefined
  if (unscored && strict) throw unsupportedParameter('logprobs', withheldScores)
  const asked = unscored ? withoutScores(conversation) : conversation
  const { value, dropped, clamped } = upstream.writeAsk(asked, { model: served, strict, maxOutput })
  const { streamType, fitName } = speeches[to.dialect]
  const measured = mayJoinTokens(to)
  const restore = restoreNames(conversation.tools, fitName)
  const about: About = {
    id: answerId(caller, options.about.id),
    model: shown,
    created: options.about.created,
    usage: conversation.stream.usage,
    ...(options.about.keeping && { keeping: options.about.keeping }),
  }
  return {
    path: value.path,
    body: value.body,
    streamType,
    same: false,
    dropped: unscored ? [...dropped, 'logprobs'] : dropped,
    clamped,
    tap: () =>
      new ConvertingTap(measured, upstream.decoder(), port.encoder(about), restore, filter?.(), listen?.()),
    reply: body =>
      convertReply(body, { upstream, port, about, restore, filter: filter?.(), listener: listen?.() }),
  }
}

function withoutScores({ logprobs: _logprobs, ...others }: Conversation): Conversation {
  return others
}

const withheldScores =
  "'logprobs' would repeat token by token what a guardrail may change in the answer: leave it out."

/** What a filter can't look into, and would repeat what it takes out or lie where it changes a length. */
const unfiltered: ReadonlySet<Delta['type']> = new Set(['logprobs', 'annotation'])

type Restore = (delta: Delta) => Delta

class ConvertingTap extends Heard implements Tap {
  out: Buffer | undefined
  terminal: Buffer | undefined
  waits: Promise<void> | undefined
  readonly #decoder: Decoder
  readonly #encoder: Encoder
  readonly #restore: Restore
  readonly #filter: Filter | undefined
  readonly #listener: Listener | undefined

  constructor(
    measured: boolean,
    decoder: Decoder,
    encoder: Encoder,
    restore: Restore,
    filter: Filter | undefined,
    listener: Listener | undefined,
  ) {
    super(measured)
    this.#decoder = decoder
    this.#encoder = encoder
    this.#restore = restore
    this.#filter = filter
    this.#listener = listener
  }

  get malformed(): number {
    return this.#decoder.malformed
  }

  push(chunk: Buffer): void {
    this.out = undefined
    this.waits = undefined
    if (!this.terminal && !this.error) this.#take(this.#decoder.push(chunk))
  }

  finish(): void {
    this.out = undefined
    this.waits = undefined
    if (this.terminal || this.error) return
    const last = this.#decoder.finish()
    const cut = last.findIndex(({ type }) => type === 'fault')
    this.#take(cut < 0 ? last : last.slice(0, cut))
  }

  fail(fault: Fault, type?: string): Buffer {
    return this.#encoder.fault(fault, type)
  }

  #take(heard: readonly Delta[]): void {
    if (heard.length === 0) return
    const filter = this.#filter
    const said = heard.filter(({ type }) => type !== 'fault').map(this.#restore)
    this.#listener?.push(said)
    if (!filter) {
      this.hear(heard)
      this.#write(said)
      return
    }
    // What the upstream used and how it failed is heard at once, what it said when the filter has let it pass.
    this.hear(heard.filter(({ type }) => type === 'usage' || type === 'fault'))
    const passed = filter.push(said.filter(({ type }) => !unfiltered.has(type)))
    if (passed instanceof Promise) this.waits = passed.then(deltas => this.#passed(deltas, filter))
    else this.#passed(passed, filter)
  }

  /** Of a filter that has ended the answer the upstream's own end is not waited for. */
  #passed(deltas: readonly Delta[], { stopped }: Filter): void {
    this.hear(deltas.filter(({ type }) => type !== 'usage'))
    const over = stopped && !deltas.some(({ type }) => type === 'end')
    this.#write(over ? [...deltas, { choice: 0, type: 'end' }] : deltas)
  }

  /** What comes with `end` is the terminal: nothing of it is in `out`. */
  #write(passed: readonly Delta[]): void {
    const end = passed.findIndex(({ type }) => type === 'end')
    if (end < 0) {
      this.out = this.#encoder.push(passed)
      return
    }
    this.out = this.#encoder.push(passed.slice(0, end))
    this.terminal = this.#encoder.push(passed.slice(end)) ?? nothing
  }
}

interface Conversion {
  readonly upstream: ChatPort
  readonly port: ChatPort
  readonly about: About
  readonly restore: Restore
  readonly filter: Filter | undefined
  readonly listener: Listener | undefined
}

function convertReply(
  body: Buffer,
  { upstream, port, about, restore, filter, listener }: Conversion,
): Reply | undefined {
  const heard = upstream.readReply(body)
  if (!heard) return undefined
  const usage = usageOf(heard)
  const fault = heard.find(delta => delta.type === 'fault')
  if (fault?.type === 'fault') return { bytes: nothing, usage, error: errorOf(fault) }
  const said = heard.map(restore)
  listener?.push(said)
  const write = (deltas: readonly Delta[]): Reply => {
    try {
      return { bytes: port.writeReply(deltas, about), usage, error: undefined }
    } catch (error) {
      // The dialect has no form for such an answer: what was used is still told.
      if (!(error instanceof Fault)) throw error
      return { bytes: nothing, usage, error: undefined, refusal: error }
    }
  }
  const passed = filter ? filter.push(said.filter(({ type }) => !unfiltered.has(type))) : said
  if (!(passed instanceof Promise)) return write(passed)
  return { bytes: nothing, usage, error: undefined, later: passed.then(write) }
}

export function usageOf(deltas: readonly Delta[]): Usage | undefined {
  const told = deltas.findLast(delta => delta.type === 'usage')
  return told?.type === 'usage' ? told.usage : undefined
}
