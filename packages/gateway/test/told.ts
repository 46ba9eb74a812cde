// What callers are told of each fault, as the specification's table has it: status and words in every dialect.
import type { CallerName } from '@switchyard/dialects'
import { expect } from 'vitest'
import { at } from './callers.ts'

interface Words {
  readonly status: number
  /** Type and code. */
  readonly openai: readonly [type: string, code: string]
  readonly anthropic: string
  /** Anthropic has a status of its own for some. */
  readonly anthropicStatus?: number
  readonly gemini: string
}

const invalid = (code: string): Words => ({
  status: 400,
  openai: ['invalid_request_error', code],
  anthropic: 'invalid_request_error',
  gemini: 'INVALID_ARGUMENT',
})
const late = (code: string): Words => ({
  status: 504,
  openai: ['server_error', code],
  anthropic: 'timeout_error',
  gemini: 'DEADLINE_EXCEEDED',
})
const missing = (code: string): Words => ({
  status: 404,
  openai: ['invalid_request_error', code],
  anthropic: 'not_found_error',
  gemini: 'NOT_FOUND',
})

const full = (code: string): Words => ({
  status: 503,
  openai: ['server_error', code],
  anthropic: 'overloaded_error',
  anthropicStatus: 529,
  gemini: 'UNAVAILABLE',
})

const unauthenticated = (code: string): Words => ({
  status: 401,
  openai: ['invalid_request_error', code],
  anthropic: 'authentication_error',
  gemini: 'UNAUTHENTICATED',
})
const denied = (code: string): Words => ({
  status: 403,
  openai: ['permission_error', code],
  anthropic: 'permission_error',
  gemini: 'PERMISSION_DENIED',
})
const limited = (code: string): Words => ({
  status: 429,
  openai: ['rate_limit_error', code],
  anthropic: 'rate_limit_error',
  gemini: 'RESOURCE_EXHAUSTED',
})
const unavailable = (code: string): Words => ({
  status: 503,
  openai: ['server_error', code],
  anthropic: 'api_error',
  gemini: 'UNAVAILABLE',
})

/** By our reason. */
export const faults = {
  invalid_json: invalid('invalid_json'),
  missing_field: invalid('missing_field'),
  conflicting_credentials: invalid('conflicting_credentials'),
  context_length_exceeded: invalid('context_length_exceeded'),
  content_filter: invalid('content_filter'),
  invalid_value: invalid('invalid_value'),
  unsupported_parameter: invalid('unsupported_parameter'),
  invalid_api_key: unauthenticated('invalid_api_key'),
  expired_api_key: unauthenticated('expired_api_key'),
  ip_denied: denied('ip_denied'),
  scope: denied('scope'),
  duplicate_member: invalid('duplicate_member'),
  encoding: { ...invalid('encoding'), status: 415 },
  headers: { ...invalid('headers'), status: 431, anthropic: 'request_too_large' },
  uri: { ...invalid('uri'), status: 414, anthropic: 'request_too_large' },
  concurrency_exceeded: limited('concurrency_exceeded'),
  reservation_exceeds_limit: limited('reservation_exceeds_limit'),
  caller_slow: { ...late('caller_slow'), status: 408 },
  journal_full: unavailable('journal_full'),
  limiter_unavailable: unavailable('limiter_unavailable'),
  draining: unavailable('draining'),
  internal: {
    status: 500,
    openai: ['server_error', 'internal'],
    anthropic: 'api_error',
    gemini: 'INTERNAL',
  },
  model_not_allowed: denied('model_not_allowed'),
  model_not_found: missing('model_not_found'),
  unknown_path: missing('unknown_path'),
  method: { ...invalid('method'), status: 405 },
  media_type: { ...invalid('media_type'), status: 415 },
  body: { ...invalid('body'), status: 413, anthropic: 'request_too_large' },
  too_large_upstream: { ...invalid('invalid_value'), status: 413, anthropic: 'request_too_large' },
  unprocessable_upstream: { ...invalid('invalid_value'), status: 422 },
  rate_limit_exceeded: limited('rate_limit_exceeded'),
  insufficient_quota: {
    status: 429,
    openai: ['insufficient_quota', 'insufficient_quota'],
    anthropic: 'billing_error',
    anthropicStatus: 402,
    gemini: 'RESOURCE_EXHAUSTED',
  },
  unpriced: unavailable('unpriced'),
  upstream_rate_limited: limited('upstream_rate_limited'),
  upstream_error: {
    status: 502,
    openai: ['server_error', 'upstream_error'],
    anthropic: 'api_error',
    gemini: 'UNAVAILABLE',
  },
  overloaded: full('overloaded'),
  no_upstream: full('no_upstream'),
  first_token: late('first_token'),
  idle: late('idle'),
  total: late('total'),
} as const satisfies Record<string, Words>
export type FaultName = keyof typeof faults

/** The answer is this fault in the caller's dialect, member by member, and tells nothing that is ours alone. */
export async function expectTold(response: Response, caller: CallerName, name: FaultName): Promise<void> {
  const { status, openai, anthropic, gemini, anthropicStatus = status }: Words = faults[name]
  const text = await response.text()
  const where = `${caller}: ${text}`
  expect(response.status, where).toBe(caller === 'anthropic' ? anthropicStatus : status)
  expect(response.headers.get('content-type'), where).toMatch(/^application\/json/)
  const id = response.headers.get('x-request-id')
  expect(id, where).toMatch(/./)
  expect(response.headers.get('request-id'), where).toBe(id)
  expect(text).not.toMatch(/secret|sk-(?!sy-…)|127\.0\.0\.1|10\.0\.0\.1|upstream-name| at .+:\d+/)
  // What could never pass is not to be waited for.
  if ((response.status === 429 || response.status === 503) && name !== 'reservation_exceeds_limit') {
    const seconds = Number(response.headers.get('retry-after'))
    expect(seconds, where).toBeGreaterThanOrEqual(1)
    expect(Number(response.headers.get('retry-after-ms')), where).toBeGreaterThan((seconds - 1) * 1000)
  }
  const body: unknown = JSON.parse(text)
  const message = expect.stringMatching(/^.{8,}$/s) as unknown
  switch (caller) {
    case 'openai':
    case 'responses': {
      const [type, code] = openai
      expect(body, where).toEqual({ error: { message, type, param: paramOf(body), code } })
      break
    }
    case 'anthropic':
      expect(body, where).toEqual({ type: 'error', error: { type: anthropic, message }, request_id: id })
      break
    case 'gemini':
      expect(body, where).toEqual({ error: { code: status, message, status: gemini, details: [] } })
      break
    case 'geminiArray':
      expect(body, where).toEqual([{ error: { code: status, message, status: gemini, details: [] } }])
      break
    case 'ollama':
    case 'ollamaGenerate':
      expect(body, where).toEqual({ error: message })
  }
}

/** It is null or names a parameter; it is there in any case. */
function paramOf(body: unknown): unknown {
  const param = at(body, 'error', 'param')
  return typeof param === 'string' ? param : null
}
