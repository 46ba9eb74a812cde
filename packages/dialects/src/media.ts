// Media as dialects carry it: data URLs, base64, addresses. Nothing is decoded.
import { Fault } from '@switchyard/kinds'
import type { ChatDialect, Conversation, Delta, Media } from './conversation.ts'
import { LongText, type Text } from './long-text.ts'
import type { Losses } from './losses.ts'

const dataUrl = /^data:([\w.+-]+\/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*);base64,/i

/** A data URL as its parts, any other address as an address. */
export function readMedia(url: Text): Media {
  if (url instanceof LongText) return readLong(url)
  const found = dataUrl.exec(url.slice(0, 256))
  if (!found) return { url }
  return { base64: url.slice(found[0].length), mime: found[1]?.toLowerCase() ?? 'text/plain' }
}

function readLong(url: LongText): Media {
  const { head = '', rest } = url.split() ?? {}
  const inline = readMedia(head)
  return rest && 'base64' in inline && inline.base64 === ''
    ? { base64: rest, mime: inline.mime }
    : readMedia(url.toString())
}

/** The address of media, a data URL where it is inline; undefined for a provider's file id. */
export function mediaUrl(source: Media): Text | undefined {
  if ('url' in source) return source.url
  if (!('base64' in source)) return undefined
  const { base64, mime } = source
  const head = `data:${mime};base64,`
  return base64 instanceof LongText ? base64.behind(head) : head + base64
}

/** The first letters of base64 tell the format: the bytes themselves are never looked at. */
const imageStarts = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
] as const

/** The type of a bare base64 image; PNG where it can't be told. */
export function imageType(base64: Text): string {
  return imageStarts.find(([start]) => base64.startsWith(start))?.[1] ?? 'image/png'
}

/** Why an answer ends where a model makes what the caller's dialect has no form for: without it, it would be another. */
export function mediaFault({ mime }: Extract<Delta, { type: 'media' }>): Fault {
  const [kind = 'file'] = mime.split('/')
  const message = `The model answered with media (${kind}), which this API has no form for: ask it through another one, images through Responses or Gemini.`
  return new Fault('invalid', message, { reason: 'unsupported_by_model' })
}

/** Throws where there is media in a whole answer that the dialect `takes` no form of. */
export function refuseMedia(deltas: readonly Delta[], takes: (mime: string) => boolean = () => false): void {
  for (const delta of deltas) if (delta.type === 'media' && !takes(delta.mime)) throw mediaFault(delta)
}

export function isImage(mime: string): boolean {
  return mime.startsWith('image/')
}

/** Those whose callers name files of one store. */
export const openaiFiles: readonly ChatDialect[] = ['openai', 'responses']

/** Throws where a file is sent that another provider stores: it does not exist at one of these dialects. */
export function refuseFiles(
  { dialect, turns }: Conversation,
  known: readonly ChatDialect[],
  losses: Losses,
): void {
  if (known.includes(dialect)) return
  for (const { parts } of turns)
    for (const part of parts.flatMap(each => (each.type === 'toolResult' ? [each, ...each.parts] : [each])))
      if ('source' in part && 'file' in part.source)
        throw losses.refusal(
          part.type,
          'files stay with the provider that stores them, so send the content itself',
        )
}
