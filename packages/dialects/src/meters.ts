// What each operation is metered by: one row for each. Tokens are what upstreams report, read by their dialect; the rest
// is counted here, from what was asked and what was answered.
import { lengthOf } from './characters.ts'
import type { Ask, Operation, Quantities, Unit, Usage } from './exchange.ts'
import { headLength, pixelsOf, pixelsOfSize } from './image-size.ts'
import { addQuantities } from './media-usage.ts'
import { Raw } from './raw.ts'

/** What of a request its meter may look at. */
export interface Asked {
  readonly ask: Pick<Ask, 'bytes'>
  /** Milliseconds of the sound that was sent, where its own head tells them; asked once the answer has come. */
  readonly sound?: (() => bigint | undefined) | undefined
}

/** The same of what has not been answered. */
interface Sized {
  readonly ask: Pick<Ask, 'bytes' | 'n'>
  /** Of the whole body, a form's files among them. */
  readonly bytes: number
}

type Counted = Exclude<Unit, `tok.${string}`>
/** Of tokens the direction alone. */
type Metered = Counted | 'tok.in.*' | 'tok.out.*'

export interface Meter {
  /** What its usage may hold. */
  readonly units: readonly Metered[]
  /** It makes tokens of text, for which room is claimed before it is sent. */
  readonly reserves: boolean
  /** What the request itself tells, once it has been answered. */
  readonly asked?: (asked: Asked) => Readonly<Partial<Record<Counted, bigint>>>
  /** What it may use at most, as far as neither its tokens of text nor the request tell it: a limit of money goes by it. */
  readonly most?: (asked: Sized) => Readonly<Partial<Record<Metered, bigint>>>
  /** What an answer tells beside its tokens, or one event of it; in place of what the request told. */
  readonly answered?: (reply: Raw, asked: Asked) => Quantities
}

/** Of an image whose size is not asked for, and the tokens of one in high quality. */
const largePixels = 2048n * 2048n
const largeTokens = 6240n
/** Of sound that is coded as tightly as speech is: 16 kbit/s. */
const bytesPerMillisecond = 2

const row = (meter: Partial<Meter>): Meter =>
  Object.freeze({ units: [], reserves: false, ...meter } satisfies Meter)

const talk = row({ units: ['tok.in.*', 'tok.out.*'], reserves: true })
const vectors = row({ units: ['tok.in.*'] })
const requests = row({ units: ['req'], asked: () => ({ req: 1n }) })
/** Counting tokens, and asking what a model is. */
const free = row({})
const images = row({
  units: ['img.out.count', 'img.out.px', 'tok.in.*', 'tok.out.*'],
  answered: imagesOf,
  most: ({ ask }) => {
    const count = BigInt(ask.n)
    const pixels = sizeAsked(ask) ?? largePixels
    return { 'img.out.count': count, 'img.out.px': count * pixels, 'tok.out.*': count * largeTokens }
  },
})
const hearing = row({
  units: ['audio.in.ms', 'tok.in.*', 'tok.out.*'],
  asked: ({ sound }) => lasting(sound?.()),
  answered: reply =>
    lasting(milliseconds(reply.get('usage')?.get('seconds')) ?? milliseconds(reply.get('duration'))),
  most: ({ bytes }) => {
    const sound = BigInt(Math.ceil(bytes / bytesPerMillisecond))
    return { 'audio.in.ms': sound, 'tok.in.*': sound / 100n, 'tok.out.*': sound / 200n }
  },
})

/** By operation; an operation that has none does not compile, and none can be asked. */
export const meters: Readonly<Record<Operation, Meter>> = Object.freeze({
  'chat.completions': talk,
  responses: talk,
  messages: talk,
  generateContent: talk,
  'ollama.chat': talk,
  'ollama.generate': talk,
  completions: talk,
  embeddings: vectors,
  embedContent: vectors,
  batchEmbedContents: vectors,
  'ollama.embed': vectors,
  'ollama.embeddings': vectors,
  moderations: requests,
  rerank: row({
    units: ['req', 'doc.ranked', 'tok.in.*'],
    asked: ({ ask }) => ({ req: 1n, ...ranked(ask) }),
  }),
  'images.generations': images,
  'images.edits': images,
  'images.variations': images,
  'audio.speech': row({
    units: ['char.in', 'tok.in.*', 'tok.out.*'],
    asked: ({ ask }) => {
      const text = Raw.parse(ask.bytes)?.get('input')?.string()
      return text === undefined ? {} : { 'char.in': BigInt(lengthOf(text)) }
    },
    // A character is spoken in less than two tokens of sound.
    most: ({ ask }) => ({ 'tok.out.*': 2n * BigInt(ask.bytes.length) }),
  }),
  'audio.transcriptions': hearing,
  'audio.translations': hearing,
  realtime: row({ units: ['tok.in.*', 'tok.out.*'] }),
  'oip.model': free,
  'oip.infer': requests,
  'oip.generate': requests,
  'oip.generate_stream': requests,
  // Of a batch each call is one: who reads it counts them.
  'mcp.call': row({ units: ['req'] }),
  'mcp.message': free,
  'mcp.listen': free,
  'mcp.end': free,
  count_tokens: free,
  countTokens: free,
})

/** Throws a TypeError where one has no meter: what is not metered is not offered. */
export function checkMetered(operations: Iterable<Operation>): void {
  for (const operation of operations)
    if (!Object.hasOwn(meters, operation)) throw new TypeError(`${operation} has no meter`)
}

/** Counts one answer. */
export class Tally {
  readonly #meter: Meter
  readonly #asked: Asked
  #heard: Quantities = {}

  constructor(operation: Operation, asked: Asked) {
    this.#meter = meters[operation]
    this.#asked = asked
  }

  /** A whole answer, or one event of it. */
  hear(reply: Raw | undefined): void {
    const { answered } = this.#meter
    if (answered && reply) this.#heard = addQuantities(this.#heard, answered(reply, this.#asked))
  }

  /** What was reported with what was counted. */
  usage(reported: Usage | undefined): Usage | undefined {
    const counts = { ...this.#meter.asked?.(this.#asked), ...this.#heard }
    if (Object.keys(counts).length === 0) return reported
    const { source = 'counted', flags = none, quantities = {} } = reported ?? {}
    return { quantities: { ...quantities, ...counts }, source, flags }
  }
}

const none: Usage['flags'] = Object.freeze([])

function ranked({ bytes }: Asked['ask']): { readonly 'doc.ranked'?: bigint } {
  const documents = Raw.parse(bytes)?.get('documents')?.elements()
  return documents ? { 'doc.ranked': BigInt(documents.length) } : {}
}

/** A list of images; or an event that is one. Pixels are told where the size of each is known. */
function imagesOf(reply: Raw, { ask }: Asked): Quantities {
  const made = reply.get('data')?.elements() ?? (isImageEvent(reply) ? [reply] : [])
  if (made.length === 0) return {}
  const said = pixelsOfSize(reply.get('size')?.string()) ?? sizeAsked(ask)
  let pixels: bigint | undefined = 0n
  for (const image of made) {
    const head = image.get('b64_json')?.head(headLength)
    const its: bigint | undefined = (head === undefined ? undefined : pixelsOf(head)) ?? said
    pixels = pixels === undefined || its === undefined ? undefined : pixels + its
  }
  return { 'img.out.count': BigInt(made.length), ...(pixels !== undefined && { 'img.out.px': pixels }) }
}

const sizeAsked = ({ bytes }: Pick<Ask, 'bytes'>) => pixelsOfSize(Raw.parse(bytes)?.get('size')?.string())

/** Events of images that are not whole yet come before. */
function isImageEvent(event: Raw): boolean {
  return /^image_(generation|edit)\.completed$/.test(event.get('type')?.string() ?? '')
}

const lasting = (milliseconds: bigint | undefined): { readonly 'audio.in.ms'?: bigint } =>
  milliseconds === undefined ? {} : { 'audio.in.ms': milliseconds }

/** Seconds as they were written, a number or a text of one, to the nearest millisecond; no float is in between. */
function milliseconds(seconds: Raw | undefined): bigint | undefined {
  const written = seconds?.kind === 'number' ? seconds.text : seconds?.string()
  const [, whole = '', fraction = ''] = /^(\d{1,9})(?:\.(\d{1,64}))?$/.exec(written ?? '') ?? []
  if (whole === '') return undefined
  const tenths = BigInt(whole + fraction.slice(0, 4).padEnd(4, '0'))
  return (tenths + 5n) / 10n
}
