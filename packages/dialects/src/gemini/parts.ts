// Gemini's contents and parts, read into turns.
import type { Media, Part, Turn } from '../conversation.ts'
import { Fields } from '../fields.ts'
import { stableHash } from '../ids.ts'
import { type Seal, unwrapSeal } from '../origin.ts'
import { invalidValue, type Raw, unsupportedParameter } from '../raw.ts'
import { WaitingCalls } from '../results.ts'

/** What Gemini takes instead of a signature that the history has lost. */
export const noSignature = 'skip_thought_signature_validator'

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

/** What is kept while a history is read: calls that wait, so that results without an id find theirs by name, in order. */
class History {
  readonly #waiting = new WaitingCalls()
  #minted = 0

  call(id: string | undefined, name: string): string {
    const given = id || `call_${stableHash(`${this.#minted++} ${name}`)}`
    this.#waiting.add({ id: given, name })
    return given
  }

  result(id: string | undefined, name: string): string {
    const found = id ? this.#waiting.byId(id) : this.#waiting.byName(name)
    return id || (found?.id ?? `call_${stableHash(`${this.#minted++} ${name}`)}`)
  }
}

/** Reads `contents`. Function responses become turns of role `tool`. */
export function readContents(contents: readonly Raw[]): readonly Turn[] {
  const history = new History()
  const turns: { readonly role: Turn['role']; readonly parts: Part[] }[] = []
  for (const raw of contents) {
    const content = new Fields(raw)
    const role = content.word('role', ['user', 'model', 'function', 'tool', 'system'])
    const parts = readParts(content.array('parts') ?? [], history)
    if (role === 'model') {
      // Contents of the model in a row are one turn: calls of all are answered behind the last.
      const last = turns.at(-1)
      if (last?.role === 'assistant') for (const part of parts) last.parts.push(part)
      else turns.push({ role: 'assistant', parts })
      continue
    }
    if (parts.some(part => part.type === 'toolCall'))
      throw invalidValue(
        content.at('parts'),
        `Function calls stand in contents of role 'model': give '${content.at('role')}' so.`,
      )
    const results = parts.filter(part => part.type === 'toolResult')
    const others = parts.filter(part => part.type !== 'toolResult')
    if (results.length > 0) turns.push({ role: 'tool', parts: results })
    if (others.length > 0) turns.push({ role: role === 'system' ? 'system' : 'user', parts: others })
  }
  return turns
}

/** Thoughts that came in pieces, as clients keep those of a stream, are one; a signature ends it. */
function readParts(list: readonly Raw[], history: History): Part[] {
  const parts: Part[] = []
  for (const raw of list) {
    const read = readPart(raw, history)
    const [thought] = raw.get('thought')?.boolean() === true ? read : []
    const last = parts.at(-1)
    const joins = last?.type === 'reasoning' && last.text !== undefined && last.origin === undefined
    if (thought?.type === 'reasoning' && joins)
      parts[parts.length - 1] = { ...last, ...thought, text: `${last.text}${thought.text ?? ''}` }
    else parts.push(...read)
  }
  return parts
}

/** Reads `systemInstruction`: a content, or a bare text. */
export function readSystem(raw: Raw | undefined): Turn[] {
  const text = raw?.string()
  const parts: Part[] =
    text !== undefined
      ? [{ type: 'text', text }]
      : raw
        ? (new Fields(raw).array('parts') ?? []).flatMap(part => readPart(part, new History()))
        : []
  return parts.length > 0 ? [{ role: 'system', parts }] : []
}

function readPart(raw: Raw, history: History): Part[] {
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
    const args = call.whole('args')?.text
    return [
      ...before,
      { type: 'toolCall', id: history.call(call.string('id'), name), name, args: args ?? '{}' },
    ]
  }
  const response = fields.object(either(fields, 'functionResponse'))
  if (response) return [readResult(response, history)]
  const inline = fields.object(either(fields, 'inlineData'))
  if (inline) {
    const mimeName = either(inline, 'mimeType')
    const mime = inline.needs(mimeName, inline.string(mimeName)).toLowerCase()
    const source = { base64: inline.needs('data', inline.longText('data')), mime }
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

/** Undefined where nobody has signed. */
export function readSeal(signature: string): Seal | undefined {
  const seal = unwrapSeal(signature) ?? { signature, origin: 'gemini' }
  return seal.origin === undefined ? undefined : seal
}

/** Files that Google keeps, and only Google can read. */
export function isStored(uri: string): boolean {
  return /^(gs:|files\/|https:\/\/generativelanguage\.googleapis\.com\/)/.test(uri)
}

function mediaPart(mime: string, source: Media, name?: string): Part {
  if (mime.startsWith('image/')) return { type: 'image', source }
  if (mime.startsWith('audio/')) return { type: 'audio', source }
  return { type: 'document', source, ...(name !== undefined && { name }) }
}

function readResult(fields: Fields, history: History): Part {
  const name = fields.needs('name', fields.string('name'))
  const callId = history.result(fields.string('id'), name)
  const response = fields.whole('response')
  const members = response?.members() ?? new Map<string, Raw>()
  const error = members.get('error')
  const isError = error !== undefined && error.kind !== 'null'
  const only = members.size === 1 ? (error ?? members.get('output') ?? members.get('result')) : undefined
  const value = only ?? response
  const text = members.size === 0 ? '' : (value?.string() ?? value?.text ?? '')
  const media = (fields.array('parts') ?? []).flatMap(part => readPart(part, history))
  const parts: Part[] = [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...media]
  return { type: 'toolResult', callId, name, parts, isError }
}
