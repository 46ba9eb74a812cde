// Gemini's contents and parts, read into turns and written from them.
import type { Media, Part, Turn } from '../conversation.ts'
import { fitName, stableHash } from '../ids.ts'
import { unwrapSeal, wrapSeal } from '../origin.ts'
import {
  Fields,
  invalidValue,
  isJson,
  type Json,
  objectArgs,
  Raw,
  unsupportedParameter,
  Verbatim,
} from '../raw.ts'

/** What Gemini takes instead of a signature that the history has lost. */
const noSignature = 'skip_thought_signature_validator'
const nameGrammar = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/

export function fitToolName(name: string): string {
  return fitName(name, nameGrammar)
}

/** The name under which a member was sent: Google's JSON takes lowerCamelCase and snake_case alike. */
export function either(fields: Fields, name: string): string {
  const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
  if (snake === name || !fields.raw(snake)) return name
  if (fields.raw(name)) {
    const message = `'${fields.at(name)}' is sent twice, also as '${snake}': send it once.`
    throw invalidValue(fields.at(name), message)
  }
  return snake
}

/** Calls that wait for their result, by which results without an id find theirs: by name, in order. */
class Calls {
  #waiting: { readonly id: string; readonly name: string }[] = []
  #minted = 0

  call(id: string | undefined, name: string): string {
    const given = id || `call_${stableHash(`${this.#minted++} ${name}`)}`
    this.#waiting.push({ id: given, name })
    return given
  }

  result(id: string | undefined, name: string): string {
    const at = this.#waiting.findIndex(call => (id ? call.id === id : call.name === name))
    const [found] = at < 0 ? [] : this.#waiting.splice(at, 1)
    return id || (found?.id ?? `call_${stableHash(`${this.#minted++} ${name}`)}`)
  }
}

/** Reads `contents`. Function responses become turns of role `tool`. */
export function readContents(contents: readonly Raw[]): Turn[] {
  const calls = new Calls()
  const turns: Turn[] = []
  for (const raw of contents) {
    const content = new Fields(raw)
    const role = content.word('role', ['user', 'model', 'function', 'tool', 'system'])
    const parts = (content.array('parts') ?? []).flatMap(part => readPart(part, calls))
    if (role === 'model') {
      turns.push({ role: 'assistant', parts })
      continue
    }
    const results = parts.filter(part => part.type === 'toolResult')
    const others = parts.filter(part => part.type !== 'toolResult')
    if (results.length > 0) turns.push({ role: 'tool', parts: results })
    if (others.length > 0) turns.push({ role: role === 'system' ? 'system' : 'user', parts: others })
  }
  return turns
}

/** Reads `systemInstruction`: a content, or a bare text. */
export function readSystem(raw: Raw | undefined): Turn[] {
  const text = raw?.string()
  const parts: Part[] =
    text !== undefined
      ? [{ type: 'text', text }]
      : raw
        ? (new Fields(raw).array('parts') ?? []).flatMap(part => readPart(part, new Calls()))
        : []
  return parts.length > 0 ? [{ role: 'system', parts }] : []
}

function readPart(raw: Raw, calls: Calls): Part[] {
  const fields = new Fields(raw)
  const text = fields.string('text')
  const thought = fields.boolean('thought') === true
  const signature = fields.string(either(fields, 'thoughtSignature'))
  const seal = signature === undefined || signature === noSignature ? undefined : readSeal(signature)
  if (thought) return text || seal ? [{ type: 'reasoning', ...(text && { text }), ...seal }] : []
  const before: Part[] = seal ? [{ type: 'reasoning', ...seal }] : []
  if (text !== undefined) return text === '' ? before : [...before, { type: 'text', text }]
  const call = fields.object(either(fields, 'functionCall'))
  if (call) {
    const name = call.needs('name', call.string('name'))
    const args = call.object('args') ? call.raw('args')?.text : undefined
    return [
      ...before,
      { type: 'toolCall', id: calls.call(call.string('id'), name), name, args: args ?? '{}' },
    ]
  }
  const response = fields.object(either(fields, 'functionResponse'))
  if (response) return [readResult(response, calls)]
  const inline = fields.object(either(fields, 'inlineData'))
  if (inline) {
    const mimeName = either(inline, 'mimeType')
    const mime = inline.needs(mimeName, inline.string(mimeName)).toLowerCase()
    const source = { base64: inline.needs('data', inline.string('data')), mime }
    return [...before, mediaPart(mime, source, inline.string(either(inline, 'displayName')))]
  }
  const file = fields.object(either(fields, 'fileData'))
  if (file) {
    const uriName = either(file, 'fileUri')
    const uri = file.needs(uriName, file.string(uriName))
    const mime = file.string(either(file, 'mimeType'))?.toLowerCase() ?? ''
    return [...before, mediaPart(mime, isStored(uri) ? { file: uri } : { url: uri })]
  }
  const [unknown] = Object.keys(fields.rest())
  if (unknown === undefined) return before
  throw unsupportedParameter(
    fields.at(unknown),
    `'${fields.at(unknown)}' can't be converted for the model behind this name: leave that part out.`,
  )
}

function readSeal(signature: string) {
  return unwrapSeal(signature) ?? { signature, origin: 'gemini' }
}

/** Files that Google keeps, and only Google can read. */
function isStored(uri: string): boolean {
  return /^(gs:|files\/|https:\/\/generativelanguage\.googleapis\.com\/)/.test(uri)
}

function mediaPart(mime: string, source: Media, name?: string): Part {
  if (mime.startsWith('image/')) return { type: 'image', source }
  if (mime.startsWith('audio/')) return { type: 'audio', source }
  return { type: 'document', source, ...(name !== undefined && { name }) }
}

function readResult(fields: Fields, calls: Calls): Part {
  const name = fields.needs('name', fields.string('name'))
  const callId = calls.result(fields.string('id'), name)
  const response = fields.object('response') ? fields.raw('response') : undefined
  const members = response?.members() ?? new Map<string, Raw>()
  const error = members.get('error')
  const isError = error !== undefined && error.kind !== 'null'
  const only = members.size === 1 ? (error ?? members.get('output') ?? members.get('result')) : undefined
  const value = only ?? response
  const text = members.size === 0 ? '' : (value?.string() ?? value?.text ?? '')
  const media = (fields.array('parts') ?? []).flatMap(part => readPart(part, calls))
  const parts: Part[] = [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...media]
  return { type: 'toolResult', callId, name, parts, isError }
}

export interface WriteParts {
  /** The history comes from a caller of this dialect, who keeps its signatures. */
  readonly own: boolean
  /** Names what is left out. */
  readonly drop: (name: string) => void
}

/** A turn of the model. Signatures stand on the part that follows theirs. */
export function writeModelParts(parts: readonly Part[], options: WriteParts): Json[] {
  const out: Json[] = []
  const loose = parts.filter(part => part.type === 'reasoning' && isOwn(part) && !part.text)
  const calls = parts.filter(part => part.type === 'toolCall')
  // Other dialects put all reasoning first: what signs a call must not come to stand on the text between.
  const forCall = !options.own && calls.length > 0 ? loose[0] : undefined
  let firstCall = true
  let pending: string | undefined
  const take = () => {
    const taken = pending === undefined ? undefined : { thoughtSignature: pending }
    pending = undefined
    return taken
  }
  for (const part of parts) {
    if (part.type === 'reasoning') {
      if (!isOwn(part)) options.drop('reasoning')
      else if (part.text) out.push({ text: part.text, thought: true, thoughtSignature: signatureOf(part) })
      else if (part !== forCall && signatureOf(part) !== undefined) {
        if (pending !== undefined) out.push({ text: '', ...take() })
        pending = signatureOf(part)
      }
    } else if (part.type === 'toolCall') {
      const { id, name } = part
      if (firstCall && forCall?.type === 'reasoning') pending ??= signatureOf(forCall)
      if (firstCall && !options.own) pending ??= noSignature
      firstCall = false
      const call = { id: id || undefined, name: fitToolName(name), args: new Verbatim(objectArgs(part.args)) }
      out.push({ functionCall: call, ...take() })
    } else if (part.type === 'text' || part.type === 'refusal') {
      if (part.text !== '') out.push({ text: part.text, ...take() })
    } else {
      const written = writeMedia(part, options.drop)
      if (written) out.push({ ...written, ...take() })
    }
  }
  if (pending !== undefined) out.push({ text: '', ...take() })
  return out
}

/** Reasoning that Gemini made, or that no one has signed. */
function isOwn(part: Extract<Part, { type: 'reasoning' }>): boolean {
  return part.origin === 'gemini' || (part.signature === undefined && part.opaque === undefined)
}

function signatureOf(part: Part): string | undefined {
  return part.type === 'reasoning' ? part.signature : undefined
}

/** What a caller gets as a signature: another origin's is wrapped. */
export function showSignature(seal: {
  signature?: string
  opaque?: string
  origin: string
}): string | undefined {
  return seal.origin === 'gemini' ? seal.signature : wrapSeal(seal)
}

/** A turn of the user, function responses included; `nameOf` finds the name of a call. */
export function writeUserParts(
  parts: readonly Part[],
  options: WriteParts,
  nameOf: (callId: string) => string | undefined,
): Json[] {
  const out: Json[] = []
  for (const part of parts) {
    if (part.type === 'toolResult')
      out.push(writeResult(part, options, nameOf(part.callId) ?? part.name ?? ''))
    else if (part.type === 'text' || part.type === 'refusal') {
      if (part.text !== '') out.push({ text: part.text })
    } else if (part.type === 'image' || part.type === 'audio' || part.type === 'document') {
      const written = writeMedia(part, options.drop)
      if (written) out.push(written)
    } else options.drop(part.type)
  }
  return out
}

function writeResult(part: Extract<Part, { type: 'toolResult' }>, { drop }: WriteParts, name: string): Json {
  const texts = part.parts.flatMap(inner => (inner.type === 'text' ? [inner.text] : []))
  const media = part.parts.flatMap(inner => {
    const written = inner.type === 'text' ? undefined : writeMedia(inner, drop)
    return written ? [written] : []
  })
  const text = texts.join('\n')
  const response = part.isError
    ? { error: text }
    : isPlainObject(text)
      ? new Verbatim(text)
      : { output: text }
  return {
    functionResponse: {
      id: part.callId || undefined,
      name: fitToolName(name),
      response,
      ...(media.length > 0 && { parts: media }),
    },
  }
}

/** An object that stands for itself: it would not be taken for an output or an error in a wrapper. */
function isPlainObject(text: string): boolean {
  if (!isJson(text, 'object')) return false
  const members = Raw.parse(Buffer.from(text))?.members() ?? new Map<string, Raw>()
  if (members.size === 0 || members.has('error')) return false
  return !(members.size === 1 && (members.has('output') || members.has('result')))
}

const typesByEnding: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  pdf: 'application/pdf',
  mp3: 'audio/mp3',
  wav: 'audio/wav',
  mp4: 'video/mp4',
}
const typesByKind = { image: 'image/png', audio: 'audio/wav', document: 'application/pdf' } as const

function writeMedia(part: Part, drop: (name: string) => void): { readonly [name: string]: Json } | undefined {
  if (part.type !== 'image' && part.type !== 'audio' && part.type !== 'document') {
    drop(part.type)
    return undefined
  }
  if (part.type === 'image' && part.detail !== undefined && part.detail !== 'auto') drop('detail')
  const { source } = part
  if ('base64' in source) {
    const name = part.type === 'document' ? part.name : undefined
    return { inlineData: { mimeType: source.mime, data: source.base64, displayName: name } }
  }
  const uri = 'file' in source ? source.file : source.url
  if (!isStored(uri) && !/^https:\/\/(www\.)?(youtube\.com|youtu\.be)\//.test(uri)) {
    const message = `This model takes ${part.type}s as base64 only: send the bytes in a data URL instead of an address or file id.`
    throw unsupportedParameter(part.type, message)
  }
  const ending = /\.([a-z0-9]{2,4})$/i.exec(uri)?.[1]?.toLowerCase() ?? ''
  return { fileData: { fileUri: uri, mimeType: typesByEnding[ending] ?? typesByKind[part.type] } }
}
