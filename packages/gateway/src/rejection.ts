// An upstream's refusal of the request itself: what it means, and what the caller is shown of it.
import type { Carriage } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Rejection as Meaning } from './choose/fallback.ts'

export interface Rejection {
  /** For callers of another dialect. */
  readonly fault: Fault
  /** For routes that have an answer to it. */
  readonly meaning: Meaning
  /** The upstream's own bytes, where they may pass as they are. */
  readonly bytes: Buffer | undefined
}

const mostCharacters = 2048

/** Words by which upstreams say that the prompt is too long, or that it was filtered. */
const meanings = [
  [
    'context_length',
    'context_length_exceeded',
    /context[_ ](length|window)|prompt is too long|too many tokens|maximum context|exceeds? the .*token/i,
  ],
  ['content_filter', 'content_filter', /content[_ ](filter|policy|management)|responsible ai|safety/i],
] as const

const unknown = ['other', 'invalid_value'] as const

/** Reads the body of a 400, 413 or 422. */
export function refusalOf({ same }: Pick<Carriage, 'same'>, status: number, body: Buffer): Rejection {
  const said = errorOf(body)
  const text = said?.message ?? ''
  const [meaning, reason] =
    meanings.find(([, name, words]) => said?.code === name || words.test(text)) ?? unknown
  const message =
    text === '' ? 'The upstream refused the request.' : `The upstream refused the request: ${text}`
  const fault = new Fault(status === 413 ? 'too_large' : 'invalid', message, { status, reason })
  return { fault, meaning, bytes: same && said ? body : undefined }
}

interface Said {
  readonly message: string
  readonly code: string | undefined
}

/** Undefined when the body is no JSON object, and so nothing that a caller could read. */
function errorOf(body: Buffer): Said | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString())
  } catch {
    return undefined
  }
  const whole = Array.isArray(parsed) ? (parsed as readonly unknown[])[0] : parsed
  if (!isObject(whole)) return undefined
  const inner = isObject(whole.error) ? whole.error : whole
  const message = [inner.message, whole.error, whole.message, whole.detail].find(
    one => typeof one === 'string',
  )
  const code = [inner.code, inner.type, inner.status].find(one => typeof one === 'string')
  return {
    message: typeof message === 'string' ? message.slice(0, mostCharacters) : '',
    code: typeof code === 'string' ? code : undefined,
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
