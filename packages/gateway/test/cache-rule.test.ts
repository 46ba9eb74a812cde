// When the cache is asked and what it keeps, as tables.
import { describe, expect, it } from 'vitest'
import {
  type Answered,
  type CacheRequest,
  cacheable,
  keyedBytes,
  readDirective,
  storable,
  type Verdict,
} from '../src/cache/rule.ts'

const request: CacheRequest = {
  mode: 'exact',
  directive: undefined,
  temperature: undefined,
  deterministic: false,
  stateful: false,
  bodyBytes: 1000,
}

type Word = 'bypass' | 'refresh' | 'exact' | 'semantic'

function wordOf({ look, keep, near }: ReturnType<typeof cacheable>): Word {
  if (near) return 'semantic'
  if (look) return 'exact'
  return keep ? 'refresh' : 'bypass'
}

describe('the cache', () => {
  const rows: readonly (readonly [string, Partial<CacheRequest>, Word])[] = [
    ['serves a request with temperature 0', { temperature: 0 }, 'exact'],
    ['serves a request with temperature -0.0', { temperature: -0 }, 'exact'],
    ['is passed by without a temperature', {}, 'bypass'],
    ['is passed by with a temperature above 0', { temperature: 0.01 }, 'bypass'],
    ['serves whoever says use, at any temperature', { temperature: 1, directive: 'use' }, 'exact'],
    ['serves an operation that draws nothing by chance', { deterministic: true }, 'exact'],
    ['serves similar questions where the route says so', { mode: 'semantic', temperature: 0 }, 'semantic'],
    ['is passed by for similar questions too', { mode: 'semantic', temperature: 1 }, 'bypass'],
    ['is passed by on no-store', { temperature: 0, directive: 'no-store' }, 'bypass'],
    ['is written but not read on refresh', { temperature: 0, directive: 'refresh' }, 'refresh'],
    ['is written on refresh at any temperature', { temperature: 1, directive: 'refresh' }, 'refresh'],
    ['does not serve a route that has none', { mode: 'off', temperature: 0, directive: 'use' }, 'bypass'],
    ['is not written for a route that has none', { mode: 'off', directive: 'refresh' }, 'bypass'],
    ['is passed by when the upstream keeps something', { temperature: 0, stateful: true }, 'bypass'],
    ['is passed by then even on use', { directive: 'use', stateful: true }, 'bypass'],
    ['serves a body of 1 MiB', { temperature: 0, bodyBytes: keyedBytes }, 'exact'],
    ['is passed by for a larger one', { temperature: 0, bodyBytes: keyedBytes + 1 }, 'bypass'],
    ['is passed by for a temperature that is no number', { temperature: Number.NaN }, 'bypass'],
  ]

  it.each(rows)('%s', (_, given, word) => {
    expect(wordOf(cacheable({ ...request, ...given }))).toBe(word)
  })
})

describe('the header', () => {
  it('is read in any case and with spaces around it', () => {
    expect([undefined, 'use', ' No-Store ', 'REFRESH'].map(readDirective)).toEqual([
      undefined,
      'use',
      'no-store',
      'refresh',
    ])
  })

  it.each(['', 'nostore', 'no-cache', 'use, refresh'])('that says %j is refused', value => {
    expect(() => readDirective(value)).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'invalid_value' }),
    )
  })
})

describe('an answer', () => {
  const answered: Answered = { status: 200, whole: true, error: false, filtered: false, bytes: 100 }
  const rows: readonly (readonly [string, Partial<Answered>, Verdict])[] = [
    ['that is whole, successful and unfiltered is kept', {}, 'kept'],
    ['that is cut is not kept', { whole: false }, 'cut'],
    ['that a filter has touched is not kept', { filtered: true }, 'filtered'],
    ['with another status is not kept', { status: 429 }, 'unsuccessful'],
    ['with a status that is only nearly good is not kept', { status: 202 }, 'unsuccessful'],
    ['that is an error with 200 is not kept', { error: true }, 'unsuccessful'],
    ['as large as allowed is kept', { bytes: 1024 }, 'kept'],
    ['that is larger is not kept', { bytes: 1025 }, 'too_large'],
  ]

  it.each(rows)('%s', (_, given, verdict) => {
    expect(storable({ ...answered, ...given }, 1024)).toBe(verdict)
  })
})
