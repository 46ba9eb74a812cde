// Fetches an image that a request names by URL, for an upstream that wants its bytes. The URL is the caller's: it
// leads to public addresses only, over TLS, and what it gives must be an image by its type and by its first bytes.
import { Fault } from '@switchyard/kinds'
import { WireError } from './client.ts'
import { headerOf } from './client-parser.ts'
import type { Guard, TlsTrust } from './dial.ts'
import { type Got, get } from './dial-get.ts'

export type ImageType = 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'

export interface Image {
  readonly bytes: Buffer
  readonly mime: ImageType
}

export interface ImageOptions {
  /** Ends it when the caller has gone. */
  readonly signal?: AbortSignal
  readonly tls?: TlsTrust
}

const mostBytes = 10 * 1024 * 1024
const milliseconds = 5000
const mostUrl = 8 * 1024

/** How each type begins; a type that no provider takes has no row. */
const beginnings: Readonly<Record<ImageType, (bytes: Buffer) => boolean>> = {
  'image/png': bytes => bytes.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n',
  'image/jpeg': bytes => bytes.toString('latin1', 0, 3) === '\xff\xd8\xff',
  'image/gif': bytes => /^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6)),
  'image/webp': bytes =>
    bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
}

/** `invalid` for whatever is wrong; its cause is the WireError `refused_address` when the address was denied. */
export async function fetchImage(text: string, guard: Guard, options: ImageOptions = {}): Promise<Image> {
  const url = text.length > mostUrl ? null : URL.parse(text)
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    throw refused('must be an https:// URL without a user: send the image as a data URL instead.')
  let got: Got
  try {
    const accept = Object.keys(beginnings).join(', ')
    got = await get(url, { guard, accept, bytes: mostBytes, milliseconds, ...options })
  } catch (error) {
    throw explain(error)
  }
  const { status, headers, body } = got
  if (status >= 300 && status < 400)
    throw refused('is answered with a redirect, which is not followed: send the URL that it leads to.')
  if (status !== 200) throw refused(`is answered with status ${status}: check that it is public.`)
  const encoding = headerOf(headers, 'content-encoding')
  const given = headerOf(headers, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  const mime = encoding === undefined || encoding === 'identity' ? typeOf(given) : undefined
  if (!mime || !beginnings[mime](body))
    throw refused('leads to no PNG, JPEG, GIF or WebP image: check what it serves.')
  return { bytes: body, mime }
}

function typeOf(given: string | undefined): ImageType | undefined {
  // The keys of the record are its type's members.
  return (Object.keys(beginnings) as ImageType[]).find(type => type === given)
}

function explain(error: unknown): unknown {
  if (error instanceof WireError)
    return error.code === 'refused_address'
      ? refused('leads to an address that nothing is fetched from: send the image as a data URL.', error)
      : refused('cannot be fetched: send the image as a data URL.', error)
  if (!(error instanceof Fault)) return error
  if (error.code === 'too_large') return refused('leads to more than 10 MiB: send a smaller image.', error)
  if (error.code === 'deadline')
    return refused('does not answer within 5 seconds: send the image as a data URL.', error)
  return error
}

const refused = (what: string, cause?: unknown) =>
  new Fault('invalid', `The image's URL ${what}`, { reason: 'invalid_value', cause })
