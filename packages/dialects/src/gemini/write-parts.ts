// Parts of turns, written as Gemini's.
import type { Part } from '../conversation.ts'
import { fitName } from '../ids.ts'
import { wrapSeal } from '../origin.ts'
import { isJson, type Json, objectArgs, Raw, unsupportedParameter, Verbatim } from '../raw.ts'
import { isStored, noSignature } from './parts.ts'

const nameGrammar = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/

export function fitToolName(name: string): string {
  return fitName(name, nameGrammar)
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
  if (part.type === 'document' && part.cited) drop('citations')
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
