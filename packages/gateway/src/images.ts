// Images that a chat names by URL, fetched for the upstreams of a route that want their bytes. An upstream that takes
// addresses gets the address, and fetches by itself.
import { type Ask, type Conversation, callers, conversationOf, type Speech } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Door } from './door/door.ts'
import type { Carrying } from './paths.ts'
import type { Route } from './route.ts'
import { fetchImage } from './wire/dial-image.ts'

/** Whether a dialect says where an image is. */
const takesAddresses = {
  openai: true,
  responses: true,
  anthropic: true,
  gemini: false,
  ollama: false,
} as const satisfies Record<Speech['dialect'], boolean>

/** Whether an upstream is sent the bytes of images that the caller named by address. */
export function wantsBytes({ dialect }: Speech, { caller }: Ask): boolean {
  return !takesAddresses[dialect] && callers[caller].dialect !== dialect
}

const mostImages = 20
const atOnce = 4

type Part = Conversation['turns'][number]['parts'][number]

export interface ImageBounds {
  readonly door: Pick<Door, 'images'>
  /** Bytes of all images of a request together. */
  readonly bytes: number
  readonly signal: AbortSignal
}

const none: ReadonlySet<string> = new Set()

/** Addresses that have to be fetched, each once; none where the route does not fetch, or no upstream wants bytes. */
export function addressesOf(
  ask: Ask,
  conversation: Conversation | undefined,
  carrying: Carrying,
  { fetchImages, tiers }: Route,
): ReadonlySet<string> {
  if (!fetchImages || carrying !== 'chat') return none
  const found = new Set<string>()
  if (!tiers.some(({ upstreams }) => upstreams.some(({ speech }) => wantsBytes(speech, ask)))) return found
  for (const { parts } of (conversation ?? conversationOf(ask)).turns) collect(parts, found)
  if (found.size > mostImages)
    throw new Fault(
      'invalid',
      `More than ${mostImages} images are named by URL: send the others as data URLs.`,
      { reason: 'invalid_value' },
    )
  return found
}

function collect(parts: readonly Part[], found: Set<string>): void {
  for (const part of parts)
    if (part.type === 'toolResult') collect(part.parts, found)
    else if (part.type === 'image' && 'url' in part.source && isAddress(part.source.url))
      found.add(part.source.url)
}

/** What lies in a provider's own store is no address of the web. */
const isAddress = (url: string) => /^https?:/i.test(url)

/** The conversation with the bytes of its images. Rejects with `invalid` for one that cannot be had. */
export async function embedImages(
  conversation: Conversation,
  addresses: ReadonlySet<string>,
  { door, bytes, signal }: ImageBounds,
): Promise<Conversation> {
  const { guard, tls } = door.images
  const waiting = [...addresses]
  const media = new Map<string, { readonly base64: string; readonly mime: string }>()
  const ending = new AbortController()
  const either = AbortSignal.any([signal, ending.signal])
  let left = bytes
  const take = async (): Promise<void> => {
    for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) {
      const image = await fetchImage(url, guard, { tls, signal: either })
      left -= image.bytes.length
      if (left < 0)
        throw new Fault('invalid', `The images hold more than ${bytes} bytes together: send smaller ones.`, {
          reason: 'invalid_value',
        })
      media.set(url, { base64: image.bytes.toString('base64'), mime: image.mime })
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, waiting.length) }, take))
  } finally {
    ending.abort()
  }
  const embed = (part: Part): Part => {
    if (part.type === 'toolResult') return { ...part, parts: part.parts.map(embed) }
    if (part.type !== 'image' || !('url' in part.source)) return part
    const source = media.get(part.source.url)
    return source ? { ...part, source } : part
  }
  return {
    ...conversation,
    turns: conversation.turns.map(turn => ({ ...turn, parts: turn.parts.map(embed) })),
  }
}
