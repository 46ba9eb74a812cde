// Every refusal in OpenAI's shape: {"error": {message, type, param, code}} and its status.
import type { z } from 'zod'
import { TemplateFault } from '../chat.ts'
import { Closed, QueueFull } from '../slots.ts'

interface Body {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | number | null
}

export class ApiError extends Error {
  readonly status: number
  readonly body: { readonly error: Body }
  readonly headers: Readonly<Record<string, string>>
  constructor(
    status: number,
    type: string,
    message: string,
    more: { param?: string; code?: string | number; headers?: Record<string, string> } = {},
  ) {
    super(message)
    this.status = status
    this.body = { error: { message, type, param: more.param ?? null, code: more.code ?? null } }
    this.headers = more.headers ?? {}
  }
}

export const invalid = (message: string, param?: string, code?: string) =>
  new ApiError(400, 'invalid_request_error', message, {
    ...(param !== undefined && { param }),
    ...(code !== undefined && { code }),
  })

export const unsupported = (what: string, param: string) =>
  invalid(`${what} is not supported by this engine; leave ${param} out`, param, 'unsupported_parameter')

export const contextExceeded = (tokens: number, limit: number, param: string) =>
  invalid(
    `This model's maximum context length is ${limit} tokens. However, your ${param} resulted in ${tokens} tokens. Please reduce the length of the ${param}.`,
    param,
    'context_length_exceeded',
  )

/** llama-server's own words while it loads, which probes and clients know. */
export const loading = () =>
  new ApiError(503, 'unavailable_error', 'Loading model', { code: 503, headers: { 'retry-after': '1' } })

export const notOffered = (what: string, remedy: string) =>
  new ApiError(501, 'not_supported_error', `This server does not support ${what}. Start it ${remedy}`, {
    code: 501,
  })

/** The edge's table: what each kind of failure is called outside. */
export function toApiError(fault: unknown): ApiError {
  if (fault instanceof ApiError) return fault
  if (fault instanceof TemplateFault) return invalid(fault.message, 'messages')
  if (fault instanceof QueueFull)
    return new ApiError(503, 'overloaded_error', `The engine is full: ${fault.message}. Try again shortly.`, {
      code: 'overloaded',
      headers: { 'retry-after': '1' },
    })
  if (fault instanceof Closed)
    return new ApiError(503, 'unavailable_error', 'The engine is stopping.', {
      code: 'stopping',
      headers: { 'retry-after': '1' },
    })
  const why = fault instanceof Error ? fault.message : String(fault)
  return new ApiError(500, 'server_error', `The engine failed: ${why}`, { code: 'internal_error' })
}

/** Throws a 400 that names the first wrong field. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const param = issue?.path.map(String).join('.') ?? ''
  const message = issue?.message ?? 'the request is not valid'
  throw param === '' ? invalid(message) : invalid(`Invalid '${param}': ${message}.`, param)
}
