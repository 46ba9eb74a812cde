// The headers about limits, byte for byte.
import {
  type Bucket,
  nothingUsed,
  quotaBucket,
  rateBucket,
  refusal,
  seatBucket,
  type Verdict,
} from '@switchyard/runtime'
import { describe, expect, test } from 'vitest'
import { addLimitHeaders, type LimitSpelling, retryHeaders } from '../src/limit-headers.ts'

const rate = (dimension: 'requests' | 'tokens' | 'input_tokens', limit: number, windowMs = 60_000) =>
  rateBucket({ key: dimension, level: 'key', dimension, limit, windowMs })
const at = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000

const admitted = (buckets: readonly Bucket[], filled: readonly number[]): Verdict => ({
  type: 'admitted',
  id: 'i',
  buckets,
  amounts: nothingUsed,
  atUs: at,
  filled,
})
function limitHeaders(verdict: Verdict, spelling: LimitSpelling): readonly string[] {
  const headers: string[] = []
  addLimitHeaders(headers, verdict, spelling)
  return headers
}

function record(headers: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) found[headers[i] ?? ''] = headers[i + 1] ?? ''
  return found
}

describe('the limits in a reply', () => {
  const buckets = [
    rate('requests', 60),
    rate('tokens', 1000),
    rate('input_tokens', 600),
    seatBucket({ key: 's', level: 'workspace', limit: 10 }),
    quotaBucket({
      key: 'm',
      level: 'project',
      dimension: 'money',
      limit: 5n,
      resetsAtMs: 1,
      currency: 'USD',
    }),
  ]
  // 1 request, 100 tokens of which 590 input, 3 seats.
  const verdict = admitted(buckets, [1_000_000, 6_000_000, 59_000_000, 3, 2])

  test('are in OpenAI’s words, the tighter of all token limits for tokens', () => {
    expect(record(limitHeaders(verdict, 'openai'))).toEqual({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '600',
      'x-ratelimit-remaining-tokens': '10',
      'x-ratelimit-reset-tokens': '59s',
      'ratelimit-policy':
        '"requests";q=60;w=60, "tokens";q=1000;w=60, "input-tokens";q=600;w=60, "concurrency";q=10;qu="concurrent-requests"',
      ratelimit: '"requests";r=59;t=1, "tokens";r=900;t=6, "input-tokens";r=10;t=59, "concurrency";r=7',
    })
  })

  test('are in Anthropic’s words with moments, each token limit by its own', () => {
    const { ratelimit, 'ratelimit-policy': policy, ...own } = record(limitHeaders(verdict, 'anthropic'))
    expect([ratelimit, policy].every(Boolean)).toBe(true)
    expect(own).toEqual({
      'anthropic-ratelimit-requests-limit': '60',
      'anthropic-ratelimit-requests-remaining': '59',
      'anthropic-ratelimit-requests-reset': '2026-01-02T03:04:06Z',
      'anthropic-ratelimit-tokens-limit': '1000',
      'anthropic-ratelimit-tokens-remaining': '900',
      'anthropic-ratelimit-tokens-reset': '2026-01-02T03:04:11Z',
      'anthropic-ratelimit-input-tokens-limit': '600',
      'anthropic-ratelimit-input-tokens-remaining': '10',
      'anthropic-ratelimit-input-tokens-reset': '2026-01-02T03:05:04Z',
    })
  })

  test.each([
    [0, '0s'],
    [11_001, '12ms'],
    [1_500_000, '1.5s'],
    [8_640_000, '8.64s'],
    [360_000_000, '6m0s'],
    [3_603_000_000, '1h0m3s'],
  ])('say %i µs as %s', (filled, said) => {
    const day = [rate('requests', 1000, 86_400_000)]
    expect(record(limitHeaders(admitted(day, [filled]), 'openai'))['x-ratelimit-reset-requests']).toBe(said)
  })

  test('are none where nothing is limited', () => {
    expect(limitHeaders(admitted([], []), 'openai')).toEqual([])
  })

  test('of a refusal tell what remains, and when to come back', () => {
    const claim = { id: 'i', buckets: [rate('requests', 60)], amounts: nothingUsed }
    const refused = refusal(claim, [1_000_000], at, [59_900_500])
    expect(refused.retryAfterMs).toBe(901)
    expect(record(limitHeaders(refused, 'openai'))['x-ratelimit-remaining-requests']).toBe('0')
    expect(retryHeaders(refused.retryAfterMs)).toEqual(['retry-after', '1', 'retry-after-ms', '901'])
    expect(retryHeaders(undefined)).toEqual([])
  })
})
