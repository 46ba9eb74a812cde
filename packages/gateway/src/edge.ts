// What is refused by the request line and the headers alone, before anything is believed or read.
import type { IncomingMessage } from 'node:http'
import type { Operation } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Limits } from './limits.ts'

export type Target =
  | { readonly type: 'operation'; readonly operation: Operation; readonly path: string }
  | { readonly type: 'models'; readonly id: string | undefined }

const operations: ReadonlyMap<string, Target> = new Map(
  (
    [
      ['chat.completions', '/v1/chat/completions'],
      ['completions', '/v1/completions'],
      ['embeddings', '/v1/embeddings'],
    ] as const
  ).map(([operation, path]) => [path, Object.freeze({ type: 'operation', operation, path })]),
)

const prefix = '/openai'
const models = '/v1/models'

/** A request line and its headers, read once. */
export interface Head {
  readonly target: Target
  readonly carried: Carried
  /** The caller's id of the request where it is fit to be kept. */
  readonly requestId: string | undefined
  /** Declared length; -1 when the body is chunked. */
  readonly length: number
  readonly contentType: string | undefined
  readonly openaiBeta: string | undefined
}

/** The credential that the headers carry. */
export interface Carried {
  readonly key: string | undefined
  readonly conflicting: boolean
}

const maxHeaders = 100
const idForm = /^[A-Za-z0-9._-]{1,128}$/
const bearer = /^bearer +/i

const smuggled = (message: string) =>
  new Fault('invalid', message, { reason: 'malformed_request', status: 400 })

/** The operation of a request line. */
export function findTarget(method: string, url: string, limits: Limits): Target {
  if (url.length > limits.uriBytes)
    throw new Fault('too_large', `The URL is longer than ${limits.uriBytes} bytes.`, {
      reason: 'uri',
      status: 414,
    })
  if (!url.startsWith('/'))
    throw smuggled('The request target must be a path that starts with a slash: send no absolute URL.')
  const query = url.indexOf('?')
  let path = query < 0 ? url : url.slice(0, query)
  if (path.startsWith(prefix) && path.charCodeAt(prefix.length) === 0x2f) path = path.slice(prefix.length)
  if (path.endsWith('/') && path.length > 1) path = path.slice(0, -1)
  const operation = operations.get(path)
  if (operation) {
    if (method !== 'POST') throw wrongMethod(method, 'POST')
    return operation
  }
  const id = path.startsWith(`${models}/`) ? path.slice(models.length + 1) : undefined
  if (path === models || (id && /^[A-Za-z0-9._:-]+$/.test(id) && id !== '..' && id !== '.')) {
    if (method !== 'GET' && method !== 'HEAD') throw wrongMethod(method, 'GET, HEAD')
    return { type: 'models', id }
  }
  throw new Fault(
    'not_found',
    'There is nothing at this path. Base URLs end in /v1; operations are chat/completions, completions, embeddings and models.',
    { reason: 'unknown_path' },
  )
}

/** The methods that a path has, for `allow`. */
export class WrongMethod extends Fault {
  readonly allow: string
  constructor(method: string, allow: string) {
    super('unsupported', `${method} is not a method of this path: use ${allow}.`, {
      reason: 'method',
      status: 405,
    })
    this.allow = allow
  }
}

function wrongMethod(method: string, allow: string): Fault {
  return new WrongMethod(method, allow)
}

/** Reads the headers in one pass over their raw list, in which no duplicate has been dropped. */
export function readHead(request: IncomingMessage, limits: Limits, target: Target): Head {
  const raw = request.rawHeaders
  if (raw.length > maxHeaders * 2)
    throw new Fault('too_large', `More than ${maxHeaders} headers were sent.`, {
      reason: 'headers',
      status: 431,
    })
  let key: string | undefined
  let conflicting = false
  let authorizations = 0
  let requestId: string | undefined
  let length = -1
  let chunked = false
  let contentType: string | undefined
  let encoding: string | undefined
  let openaiBeta: string | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const value = raw[i + 1] ?? ''
    let carried: string | undefined
    // Few headers have these lengths, so that most are passed without being lowered.
    switch (name.length) {
      case 7:
        if (name.toLowerCase() === 'api-key') carried = value
        break
      case 9:
        if (name.toLowerCase() === 'x-api-key') carried = value
        break
      case 11:
        if (name.toLowerCase() === 'openai-beta') openaiBeta = value
        break
      case 12:
        if (name.toLowerCase() === 'content-type') contentType = value
        else if (name.toLowerCase() === 'x-request-id' && idForm.test(value)) requestId = value
        break
      case 13:
        if (name.toLowerCase() === 'authorization') {
          authorizations++
          carried = value.replace(bearer, '')
        }
        break
      case 14:
        if (name.toLowerCase() === 'content-length') length = Number(value)
        break
      case 16:
        if (name.toLowerCase() === 'content-encoding') encoding = value
        break
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') chunked = true
        break
      default:
    }
    if (carried === undefined) continue
    if (key !== undefined && key !== carried) conflicting = true
    key = carried
  }
  if (authorizations > 1) throw smuggled('Two authorization headers were sent: send one.')
  if (length >= 0 && chunked) throw smuggled('Both content-length and transfer-encoding were sent: send one.')
  if (length > limits.bodyBytes) throw bodyTooLarge(limits)
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new Fault('unsupported', 'Compressed bodies are not read: send the body as it is.', {
      reason: 'encoding',
      status: 415,
    })
  return {
    target,
    carried: { key, conflicting },
    requestId,
    length: chunked ? -1 : Math.max(0, length),
    contentType,
    openaiBeta,
  }
}

export function bodyTooLarge({ bodyBytes }: Limits): Fault {
  return new Fault('too_large', `The body is larger than ${bodyBytes} bytes: send less.`, { reason: 'body' })
}

/** Bodies are JSON; a type is wanted so that no form of a web page is taken for one. */
export function checkMediaType({ contentType }: Head): void {
  if (contentType !== undefined && /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(contentType)) return
  throw new Fault('unsupported', 'The body must be JSON: send `content-type: application/json`.', {
    reason: 'media_type',
    status: 415,
  })
}
