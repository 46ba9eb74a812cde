// One request as upstreams are asked it: which of them can be, by what carriage, and with which headers.
import {
  type Ask,
  type Carriage,
  type CarriageOptions,
  type Conversation,
  callers,
  carry,
  carryConverted,
  carryCount,
  carryEmbeddings,
  carryForm,
  carryInference,
  carryOpenai,
  conversationOf,
  type Operation,
  type Speech,
  unsupportedByModel,
} from '@switchyard/dialects'
import type { GuardContext } from './guard/index.ts'
import { wantsBytes } from './images.ts'
import { headersWith, type Passage } from './passage.ts'
import type { Carrying, Operated } from './paths.ts'
import type { Route, Times, Upstream } from './route.ts'
import type { WorkspaceSignatures } from './signatures.ts'
import { keptHere } from './stored/kept-here.ts'

export interface Order {
  readonly request: string
  readonly ask: Ask
  readonly target: Operated
  /** What is sent in place of the chat's own words, where some were redacted. */
  readonly conversation: Conversation | undefined
  /** The same with the bytes of images, for upstreams that want them; undefined where none was fetched. */
  readonly embedded: Conversation | undefined
  readonly guard: GuardContext
  /** What upstreams have signed for the caller's workspace. */
  readonly signatures: WorkspaceSignatures
  readonly route: Route
  /** What of the caller's headers upstreams are to see. */
  readonly forwarded: readonly string[] | undefined
  /** What keeps a session at one upstream. */
  readonly session: string | undefined
  readonly times: Times
  /** Attempts, the first included. */
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly replyBytes: number
  /** Key of the one upstream that may be asked: it keeps what this goes on from. */
  readonly pinned?: string | undefined
  /** What an answer that is written here says of its being kept; undefined where nobody asked. */
  readonly keeping?: CarriageOptions['about']['keeping']
  /** How the body is sent, where it is not JSON in one piece. */
  readonly passage?: Passage | undefined
}

type Carrier = (order: Order, path: string, to: Speech, options: CarriageOptions) => Carriage | undefined

/** Throws `invalid` where the upstream cannot be asked this; undefined where another one may. */
const carriers: Readonly<Record<Carrying, Carrier>> = {
  chat({ ask, conversation, embedded, signatures, keeping }, _path, to, options) {
    const other = embedded && wantsBytes(to, ask) ? embedded : conversation
    if (!other && !options.filter && callers[ask.caller].dialect === to.dialect)
      return carry(ask, to, options)
    const asked = other ?? conversationOf(ask)
    const said = keeping?.stored ? keptHere(asked, to) : asked
    if (said.tools.length === 0) return carryConverted(ask.caller, said, to, options)
    const whole = signatures.restored(said, to.dialect)
    return carryConverted(ask.caller, whole, to, { ...options, listen: () => signatures.listener() })
  },
  embeddings: ({ ask }, _path, to, options) => carryEmbeddings(ask, to, options),
  same: ({ ask }, path, to, options) => carryOpenai(ask, path, to, options),
  count: ({ ask }, _path, to, options) => carryCount(ask, to, options),
  form: ({ ask, passage }, path, to, options) =>
    carryForm(ask, path, to, { ...options, sound: passage?.sound }),
  inference: ({ ask, target }, path, _to, options) => carryInference(ask, path, target.path, options),
}

const responsesSpeech: Speech = Object.freeze({ dialect: 'responses' })

/** What the upstream is spoken to in: Responses where both know it. */
export function speechFor({ speech, responses }: Upstream, { caller }: Ask): Speech {
  return responses && caller === 'responses' ? responsesSpeech : speech
}

/** By which operation an upstream of each dialect embeds. */
const embedding = {
  openai: 'embeddings',
  responses: 'embeddings',
  anthropic: undefined,
  gemini: 'batchEmbedContents',
  ollama: 'ollama.embed',
} as const satisfies Record<Speech['dialect'], Operation | undefined>

/** By which operation an upstream of each dialect talks. */
const talking = {
  openai: 'chat.completions',
  responses: 'responses',
  anthropic: 'messages',
  gemini: 'generateContent',
  ollama: 'ollama.chat',
} as const satisfies Record<Speech['dialect'], Operation>

function offers({ paths, speech }: Upstream, carrying: Carrying, { operation }: Ask): boolean {
  if (!paths) return carrying !== 'inference'
  if (carrying === 'count') return true
  const { dialect } = speech
  const wanted =
    carrying === 'chat' ? talking[dialect] : carrying === 'embeddings' ? embedding[dialect] : operation
  return wanted !== undefined && paths[wanted] !== undefined
}

/** What is sent to an upstream beside the body: the same array each time where the caller's headers add nothing. */
export function headersTo(upstream: Upstream, { ask, forwarded, passage }: Order): readonly string[] {
  const plain = ask.stream.on ? upstream.streamHeaders : upstream.headers
  const own = passage ? headersWith(plain, passage) : plain
  return forwarded ? headersFor(speechFor(upstream, ask).dialect, own, forwarded) : own
}

/** By which dialects a header of the caller's is understood; it stands in the place of the upstream's own. */
const understood: Readonly<Record<string, readonly Speech['dialect'][]>> = {
  'openai-beta': ['openai', 'responses'],
  'anthropic-beta': ['anthropic'],
  'anthropic-version': ['anthropic'],
}

function headersFor(
  dialect: Speech['dialect'],
  own: readonly string[],
  forwarded: readonly string[],
): readonly string[] {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < own.length; i += 2) headers.set(own[i] ?? '', own[i + 1] ?? '')
  for (let i = 0; i + 1 < forwarded.length; i += 2) {
    const name = forwarded[i] ?? ''
    if (understood[name]?.includes(dialect)) headers.set(name, forwarded[i + 1] ?? '')
  }
  return [...headers].flat()
}

/** Throws `invalid` where the upstream cannot be asked this; undefined where another one may. */
export function carriageTo(
  upstream: Upstream,
  order: Order,
  { exposeModel, strict }: Route,
  filter: CarriageOptions['filter'],
): Carriage | undefined {
  const { ask, target, request, startedAt, keeping } = order
  const { served = ask.model, paths, maxOutput } = upstream
  if (!offers(upstream, target.carrying, ask)) throw unsupportedByModel(ask)
  const path = paths?.[ask.operation] ?? target.path
  return carriers[target.carrying](order, path, speechFor(upstream, ask), {
    served,
    shown: exposeModel ? undefined : ask.model,
    strict,
    maxOutput,
    about: { id: request, created: Math.floor(startedAt / 1000), ...(keeping && { keeping }) },
    ...(filter && { filter }),
  })
}
