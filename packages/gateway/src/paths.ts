// What a request line asks for. Every path that is spoken has a row; whatever else is asked is refused in the
// dialect that the path looks like.
import type { CallerName, Line, Operation } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Limits } from './limits.ts'

/** How a body is brought to an upstream: see the carriages of the dialects. */
export type Carrying = 'chat' | 'embeddings' | 'same' | 'count' | 'form' | 'inference'

export type Target = { readonly caller: CallerName } & (
  | {
      readonly type: 'operation'
      readonly operation: Operation
      readonly carrying: Carrying
      /** Path below an upstream's base for what passes as it is; of an inference the version's part of it. */
      readonly path: string
      /** Model and streaming, where the path names them. */
      readonly line: Line
    }
  | { readonly type: 'models'; readonly id: string | undefined }
  | { readonly type: 'ollama'; readonly what: 'tags' | 'ps' | 'version' | 'show' | 'root' }
  | { readonly type: 'inference'; readonly what: 'server' | 'live' | 'ready' }
  | { readonly type: 'inference'; readonly what: 'model_ready'; readonly model: string }
  | {
      readonly type: 'response'
      readonly what: 'read' | 'delete' | 'cancel' | 'items'
      readonly id: string
      readonly query: URLSearchParams
    }
)

export type Operated = Extract<Target, { type: 'operation' }>
/** What is answered from what the gateway holds. */
export type Own = Exclude<Target, { type: 'operation' | 'response' }>
type Row = readonly [path: string, caller: CallerName, operation: Operation, carrying: Carrying]

const rows = [
  ['/v1/chat/completions', 'openai', 'chat.completions', 'chat'],
  ['/v1/responses', 'responses', 'responses', 'chat'],
  ['/v1/completions', 'openai', 'completions', 'same'],
  ['/v1/embeddings', 'openai', 'embeddings', 'embeddings'],
  ['/v1/moderations', 'openai', 'moderations', 'same'],
  ['/v1/rerank', 'openai', 'rerank', 'same'],
  ['/v2/rerank', 'openai', 'rerank', 'same'],
  ['/v1/images/generations', 'openai', 'images.generations', 'same'],
  ['/v1/images/edits', 'openai', 'images.edits', 'form'],
  ['/v1/images/variations', 'openai', 'images.variations', 'form'],
  ['/v1/audio/speech', 'openai', 'audio.speech', 'same'],
  ['/v1/audio/transcriptions', 'openai', 'audio.transcriptions', 'form'],
  ['/v1/audio/translations', 'openai', 'audio.translations', 'form'],
  ['/v1/messages', 'anthropic', 'messages', 'chat'],
  ['/v1/messages/count_tokens', 'anthropic', 'count_tokens', 'count'],
  ['/api/chat', 'ollama', 'ollama.chat', 'chat'],
  ['/api/generate', 'ollamaGenerate', 'ollama.generate', 'chat'],
  ['/api/embed', 'ollama', 'ollama.embed', 'embeddings'],
  ['/api/embeddings', 'ollama', 'ollama.embeddings', 'embeddings'],
] as const satisfies readonly Row[]

const noLine: Line = Object.freeze({})
const posted: ReadonlyMap<string, Operated> = new Map(
  rows.map(([path, caller, operation, carrying]) => [
    path,
    Object.freeze({ type: 'operation', caller, operation, carrying, path, line: noLine }),
  ]),
)

const gotten: ReadonlyMap<string, Target> = new Map([
  ['/api/tags', { type: 'ollama', caller: 'ollama', what: 'tags' }],
  ['/api/ps', { type: 'ollama', caller: 'ollama', what: 'ps' }],
  ['/api/version', { type: 'ollama', caller: 'ollama', what: 'version' }],
  ['/', { type: 'ollama', caller: 'ollama', what: 'root' }],
  // The Open Inference Protocol's errors have the form of Ollama's.
  ['/v2', { type: 'inference', caller: 'ollama', what: 'server' }],
  ['/v2/health/live', { type: 'inference', caller: 'ollama', what: 'live' }],
  ['/v2/health/ready', { type: 'inference', caller: 'ollama', what: 'ready' }],
])
const show: Target = { type: 'ollama', caller: 'ollama', what: 'show' }

/** Gemini's methods, after the colon. */
const methods = {
  generateContent: ['generateContent', 'chat'],
  streamGenerateContent: ['generateContent', 'chat'],
  embedContent: ['embedContent', 'embeddings'],
  batchEmbedContents: ['batchEmbedContents', 'embeddings'],
  countTokens: ['countTokens', 'count'],
} as const satisfies Record<string, readonly [Operation, Carrying]>

/** The Open Inference Protocol's, after the model. */
const inferences = {
  infer: 'oip.infer',
  generate: 'oip.generate',
  generate_stream: 'oip.generate_stream',
} as const satisfies Record<string, Operation>

/** Every operation that a path leads to. */
export const operations: ReadonlySet<Operation> = new Set<Operation>([
  ...rows.map(([, , operation]) => operation),
  ...Object.values(methods).map(([operation]) => operation),
  ...Object.values(inferences),
  'oip.model',
  'realtime',
  'mcp.call',
  'mcp.message',
  'mcp.listen',
  'mcp.end',
])

/** What Ollama does to its own store, and what does it here. */
const kept: ReadonlyMap<string, string> = new Map([
  ['/api/pull', 'switchyard apply a Model and an Endpoint'],
  ['/api/push', 'a model registry'],
  ['/api/create', 'switchyard apply a Model'],
  ['/api/copy', 'a Route with a second name'],
  ['/api/delete', 'switchyard delete endpoint NAME'],
])

const prefixes = ['/openai', '/anthropic', '/genai', '/ollama']
const name = '[A-Za-z0-9._:@-]+'
const modelPath = new RegExp(`^/v1(?:beta)?/models/(${name})$`)
const geminiPath = new RegExp(
  `^/v1(?:beta|beta1)?/(?:projects/${name}/locations/${name}/publishers/${name}/)?models/(${name}):([A-Za-z]+)$`,
)
const responsePath = /^\/v1\/responses\/([A-Za-z0-9_][A-Za-z0-9._:-]*)(\/cancel|\/input_items)?$/
const inferencePath = new RegExp(`^/v2/models/(${name})(/versions/${name})?(?:/([a-z_]+))?$`)
/** Azure's older one names a deployment. */
const sessionPaths: ReadonlySet<string> = new Set(['/v1/realtime', '/realtime'])
const azurePath = new RegExp(`^/deployments/(${name})(/.+)$`)

/** The dialect in which a path is answered, whether it exists or not. */
export function callerOf(path: string): CallerName {
  if (path.startsWith('/anthropic') || path.startsWith('/v1/messages')) return 'anthropic'
  if (path.startsWith('/genai') || path.startsWith('/v1beta')) return 'gemini'
  if (path.startsWith('/ollama') || path.startsWith('/api/')) return 'ollama'
  if (/^\/v2(?!\/rerank)([/?]|$)/.test(path)) return 'ollama'
  return 'openai'
}

const malformed = (message: string) =>
  new Fault('invalid', message, { reason: 'malformed_request', status: 400 })

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

function only(target: Target, method: string, ...allowed: readonly string[]): Target {
  if (!allowed.includes(method)) throw new WrongMethod(method, allowed.join(', '))
  return target
}

/** The target of a request line; `not_found`, `unsupported`, `too_large` or `invalid` where there is none. */
export function findTarget(method: string, url: string, limits: Limits): Target {
  if (url.length > limits.uriBytes) throw uriTooLong(limits)
  if (url.charCodeAt(0) !== 0x2f)
    throw malformed('The request target must be a path that starts with a slash: send no absolute URL.')
  const query = url.indexOf('?')
  const path = plain(query < 0 ? url : url.slice(0, query))
  const operated = posted.get(path)
  if (operated) return only(operated, method, 'POST')
  return findOther(method, path, query < 0 ? '' : url.slice(query + 1))
}

/** A path without the prefix of its dialect and one trailing slash. */
function plain(path: string): string {
  let whole = path
  for (const prefix of prefixes)
    if (
      whole.startsWith(prefix) &&
      (whole.length === prefix.length || whole.charCodeAt(prefix.length) === 0x2f)
    ) {
      whole = whole.slice(prefix.length) || '/'
      break
    }
  return whole.length > 1 && whole.endsWith('/') ? whole.slice(0, -1) : whole
}

function findOther(method: string, path: string, query: string): Target {
  const listed = gotten.get(path)
  if (listed) return only(listed, method, 'GET', 'HEAD')
  if (sessionPaths.has(path)) throw notUpgraded()
  if (path === '/api/show') return only(show, method, 'POST')
  const advice = kept.get(path) ?? (path.startsWith('/api/blobs/') ? 'switchyard apply a Model' : undefined)
  if (advice !== undefined)
    throw new Fault('unsupported', `Models are not changed through this API: use ${advice}.`, {
      reason: 'not_implemented',
      status: 501,
    })
  const gemini = geminiPath.exec(path)
  if (gemini) return only(geminiTarget(path, gemini, query), method, 'POST')
  const response = responsePath.exec(path)
  if (response) return responseTarget(method, response, query)
  const inference = inferencePath.exec(path)
  if (inference) return inferenceTarget(method, inference)
  const caller = path.startsWith('/v1beta') ? 'gemini' : 'openai'
  const [, id] = modelPath.exec(path) ?? []
  if (path === '/v1/models' || path === '/v1beta/models' || (id !== undefined && id !== '.' && id !== '..'))
    return only({ type: 'models', caller, id }, method, 'GET', 'HEAD')
  const azure = azurePath.exec(path)
  if (azure) return azureTarget(method, azure)
  throw unknownPath()
}

function geminiTarget(path: string, [, model = '', action = '']: RegExpExecArray, query: string): Target {
  const row = Object.hasOwn(methods, action) ? methods[action as keyof typeof methods] : undefined // it is its own
  if (!row) throw unknownPath()
  const [operation, carrying] = row
  const stream = action === 'streamGenerateContent'
  const caller = stream && new URLSearchParams(query).get('alt') !== 'sse' ? 'geminiArray' : 'gemini'
  return { type: 'operation', caller, operation, carrying, path, line: { model, stream } }
}

function inferenceTarget(method: string, [, model = '', version = '', what]: RegExpExecArray): Target {
  if (what === 'ready')
    return only({ type: 'inference', caller: 'ollama', what: 'model_ready', model }, method, 'GET', 'HEAD')
  const found = what !== undefined && Object.hasOwn(inferences, what)
  if (what !== undefined && !found) throw unknownPath()
  const operation = found ? inferences[what as keyof typeof inferences] : 'oip.model' // it is its own
  const target = { type: 'operation', caller: 'ollama', operation, carrying: 'inference' } as const
  return only({ ...target, path: version, line: { model } }, method, found ? 'POST' : 'GET')
}

function responseTarget(method: string, [, id = '', part]: RegExpExecArray, query: string): Target {
  const of = (what: Extract<Target, { type: 'response' }>['what']): Target => ({
    type: 'response',
    caller: 'responses',
    what,
    id,
    query: new URLSearchParams(query),
  })
  if (part === '/cancel') return only(of('cancel'), method, 'POST')
  if (part === '/input_items') return only(of('items'), method, 'GET')
  return only(of(method === 'DELETE' ? 'delete' : 'read'), method, 'GET', 'DELETE')
}

/** The model that a session is opened with; faults as `findTarget`. */
export function findSession(method: string, url: string, limits: Limits): string {
  const query = url.indexOf('?')
  const path = plain(query < 0 ? url : url.slice(0, query))
  if (!sessionPaths.has(path)) {
    findTarget(method, url, limits)
    throw unknownPath()
  }
  if (url.length > limits.uriBytes) findTarget(method, url, limits)
  const asked = new URLSearchParams(query < 0 ? '' : url.slice(query + 1))
  const models = [...asked.getAll('model'), ...asked.getAll('deployment')]
  const [model = ''] = models
  if (models.length === 1 && model !== '' && model.length <= 256) return model
  const message = 'Name the model of the session once: add ?model=NAME to the URL.'
  throw new Fault('invalid', message, {
    reason: models.length > 1 ? 'duplicate_member' : 'missing_field',
    details: [{ path: 'model', rule: 'missing_field', message }],
  })
}

function notUpgraded(): Fault {
  return new Fault('invalid', 'Sessions are spoken over a WebSocket: send `upgrade: websocket`.', {
    reason: 'malformed_request',
    status: 426,
  })
}

/** Azure names the model in the path: the rest of it is OpenAI's. */
function azureTarget(method: string, [, model = '', rest = '']: RegExpExecArray): Target {
  const operated = posted.get(`/v1${rest}`)
  if (operated?.caller !== 'openai' && operated?.caller !== 'responses') throw unknownPath()
  return only({ ...operated, line: { model } }, method, 'POST')
}

export function uriTooLong({ uriBytes }: Pick<Limits, 'uriBytes'>): Fault {
  return new Fault('too_large', `The URL is longer than ${uriBytes} bytes.`, { reason: 'uri', status: 414 })
}

const bases =
  'OpenAI clients take a base URL that ends in /v1; Anthropic, Gemini and Ollama clients take the address alone.'

/** `advice` says what the clients of a dialect take. */
export function unknownPath(advice = bases): Fault {
  return new Fault('not_found', `There is nothing at this path. ${advice}`, { reason: 'unknown_path' })
}

/** What is answered without a credential: it tells nothing but that somebody is there. */
export function isOpen(target: Target): target is Own {
  if (target.type === 'ollama') return target.what === 'root'
  return target.type === 'inference' && (target.what === 'live' || target.what === 'ready')
}
