// Every fault of an upstream, in every dialect of an upstream, as callers of every dialect are told of it.
import type { CallerName } from '@switchyard/dialects'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { at, callerNames, callers } from './callers.ts'
import { alike, pairs, settle, upstreamDialects } from './fleet.ts'
import { expectTold, type FaultName } from './told.ts'
import { readAsked } from './upstream/asked.ts'
import { model, said } from './upstream/speaker.ts'
import { type Name, ScriptedUpstream } from './upstream.ts'

let engine: ScriptedUpstream
let bed: Bed
let key: string
beforeAll(async () => {
  engine = await ScriptedUpstream.start()
})
afterAll(() => engine[Symbol.asyncDispose]())
beforeEach(async () => {
  bed = await Bed.start()
  key = bed.key()
  engine.seen.length = 0
})
afterEach(() => bed[Symbol.asyncDispose]())

type Dialect = (typeof upstreamDialects)[number]

const ask = (caller: CallerName, name: string, stream: boolean, headers: Record<string, string> = {}) => {
  const { path, body } = callers[caller]
  return bed.post(path(name, stream), key, body(name, stream), { headers })
}
const once = { 'x-switchyard-retries': '0' }

/** A route of one provider that answers everything so, or as it is told. */
function lone(name: string, dialect: Dialect, act: Name | undefined, timeouts = {}): string {
  settle(bed, engine, name, dialect, { act })
  bed.route(name, { timeouts, tiers: [{ targets: [{ provider: name, model }] }] })
  return name
}

/** What an upstream does, whether to streams and to whole replies, what callers are told, and if another is tried. */
const rows: readonly (readonly [
  act: Name,
  forms: 'both' | 'plain' | 'stream',
  told: FaultName,
  again: boolean,
])[] = [
  ['reset', 'both', 'upstream_error', true],
  ['hangup', 'both', 'upstream_error', true],
  ['wrong type', 'both', 'upstream_error', true],
  ['html', 'both', 'upstream_error', true],
  ['empty', 'both', 'upstream_error', true],
  ['redirect', 'both', 'upstream_error', true],
  ['cut at 40', 'plain', 'upstream_error', true],
  ['truncated at 40', 'plain', 'upstream_error', true],
  ['status 401', 'both', 'upstream_error', true],
  ['status 402', 'both', 'upstream_error', true],
  ['status 403', 'both', 'upstream_error', true],
  ['status 404', 'both', 'upstream_error', true],
  ['status 408', 'both', 'upstream_error', true],
  ['status 429', 'both', 'upstream_rate_limited', true],
  ['busy for 7', 'both', 'upstream_rate_limited', true],
  ['status 500', 'both', 'upstream_error', true],
  ['status 502', 'both', 'upstream_error', true],
  ['status 503', 'both', 'overloaded', true],
  ['status 504', 'both', 'upstream_error', true],
  ['status 529', 'both', 'overloaded', true],
  ['end after 0', 'stream', 'upstream_error', true],
  ['context length', 'both', 'context_length_exceeded', false],
  ['content filter', 'both', 'content_filter', false],
  ['other', 'both', 'invalid_value', false],
  ['refuse with 413', 'both', 'too_large_upstream', false],
  ['refuse with 422', 'both', 'unprocessable_upstream', false],
]

const words: Readonly<Record<number, FaultName>> = {
  429: 'upstream_rate_limited',
  502: 'upstream_error',
  503: 'overloaded',
  529: 'overloaded',
}

describe.each(pairs)('a caller of %s, for whom an upstream of %s fails', (caller, dialect) => {
  const forms = (form: 'both' | 'plain' | 'stream') =>
    [false, true].filter(
      stream => (form === 'both' || (form === 'stream') === stream) && (stream || caller !== 'geminiArray'),
    )

  test('A2: is told of each fault in its own words', async () => {
    const each = rows.map(async ([act, form, told, again], i) => {
      // Within a dialect the upstream's own words pass: see F13.
      if (!again && alike(caller, dialect)) return
      const name = lone(`p${i}`, dialect, act)
      for (const stream of forms(form)) await expectTold(await ask(caller, name, stream, once), caller, told)
    })
    await Promise.all(each)
    await expect.poll(() => bed.gateway.inflight, { timeout: 15_000 }).toBe(0)
    expect(bed.gateway.metrics()).toMatch(/upstream_inflight\{[^}]*\} 0\n/)
  })

  test('F1: hears one clean answer when another tier is good, and is billed once', async () => {
    settle(bed, engine, 'good', dialect)
    const again = rows.filter(([, , , tried]) => tried)
    const each = again.map(async ([act, form], i) => {
      for (const stream of forms(form)) {
        // One of its own for each request: what has asked for a pause, or refuses our key, is not asked again.
        const name = `p${i}-${stream}`
        settle(bed, engine, name, dialect, { act })
        bed.route(name, { tiers: [name, 'good'].map(provider => ({ targets: [{ provider, model }] })) })
        const answer = await ask(caller, name, stream)
        const where = `${act}, stream ${stream}`
        expect(answer.status, where).toBe(200)
        expect(answer.headers.get('x-switchyard-attempts'), where).toBe('2')
        expect(answer.headers.get('x-switchyard-fallback'), where).toBe('1')
        const { reply, stream: read } = callers[caller]
        const got = stream ? read(await answer.text()) : reply(await answer.json())
        expect(got, where).toMatchObject({ text: said, whole: true, error: undefined })
      }
    })
    await Promise.all(each)
    const asked = again.flatMap(([, form]) => forms(form)).length
    expect(bed.journal.events).toHaveLength(asked)
    expect(bed.journal.events.filter(({ data }) => data.end === 'done')).toHaveLength(asked)
  })

  test('F4: is told of an error in a 200 by its own code, as first event, as whole body and in mid-stream', async () => {
    const first = lone('first', dialect, 'error as first event')
    const whole = lone('whole', dialect, 'error as reply')
    const mid = lone('mid', dialect, 'error in mid-stream')
    const early = await ask(caller, first, true, once)
    const { speaker } = readAsked(engine.seen[0]?.url ?? '', engine.seen[0]?.body ?? Buffer.alloc(0))
    const told = words[speaker.errorMeans] ?? 'upstream_error'
    await expectTold(early, caller, told)
    if (caller !== 'geminiArray') await expectTold(await ask(caller, whole, false, once), caller, told)
    const late = await ask(caller, mid, true)
    expect(late.status).toBe(200)
    const text = await late.text()
    const got = callers[caller].stream(text)
    expect(got.whole).toBe(false)
    expect(got.error).toBeDefined()
    expect(got.text).toBe(said.slice(0, got.text.length))
    expect(text).not.toContain('secret')
    if (caller === 'openai') expect(at(got.error, 'code')).toBe(told)
    expect(bed.journal.last).toMatchObject({ end: 'upstream_error', billable: 'cost' })
  })

  test('F5: loses a malformed event alone, and the stream after three in a row', async () => {
    const one = lone('one', dialect, 'malformed event')
    const three = lone('three', dialect, 'malformed events')
    const { stream } = callers[caller]
    const survived = stream(await (await ask(caller, one, true)).text())
    expect(survived).toMatchObject({ text: said, whole: true, error: undefined })
    expect(bed.gateway.metrics()).toContain('malformed_events_total 1')
    const broken = stream(await (await ask(caller, three, true)).text())
    expect(broken.whole).toBe(false)
    expect(broken.error).toBeDefined()
    expect(engine.seen).toHaveLength(2)
  })

  test('S5: gets the end that the upstream left out, and one that it gave before a reset', async () => {
    for (const act of ['no marker', 'reset after the end'] as const) {
      const got = callers[caller].stream(
        await (await ask(caller, lone(act.replaceAll(' ', '-'), dialect, act), true)).text(),
      )
      expect(got, act).toMatchObject({ text: said, whole: true, error: undefined })
      expect(bed.journal.last.end, act).toBe('done')
    }
  })

  test('F13: is shown a refusal byte for byte in its own dialect, and its words in another', async () => {
    for (const act of ['context length', 'content filter', 'other'] as const) {
      engine.seen.length = 0
      const name = lone(act.replaceAll(' ', '-'), dialect, act)
      const answer = await ask(caller, name, true)
      const text = await answer.text()
      expect(answer.status, act).toBe(400)
      const [{ url, body } = { url: '', body: Buffer.alloc(0) }] = engine.seen
      const { speaker } = readAsked(url, body)
      if (alike(caller, dialect)) expect(text).toBe(speaker.refusal(act))
      else {
        const upstream: unknown = JSON.parse(speaker.refusal(act))
        const message = at(upstream, 'error', 'message') ?? at(upstream, 'error')
        expect(text, act).toContain(JSON.stringify(message).slice(1, -1))
      }
      expect(engine.seen, act).toHaveLength(1)
      expect(bed.journal.last, act).toMatchObject({ end: 'refused', status: 400 })
    }
  })
})

/** All at once: each waits for the same clock. */
describe('an upstream of any dialect', () => {
  const hasty = { firstContentMs: 200, idleMs: 300, stallMs: 600 }
  const everyPair = (act: Name, timeouts = {}) =>
    pairs.map(([caller, dialect]) => ({
      caller,
      name: lone(`${caller}-${dialect}`.toLowerCase(), dialect, act, timeouts),
    }))

  test.each([
    ['silence', true],
    ['silence', false],
    ['headers then silence', true],
    ['pings only', true],
  ] as const)('F2: that gives no content (%s, stream %s) is given up in time', async (act, stream) => {
    await Promise.all(
      everyPair(act, hasty)
        .filter(({ caller }) => stream || caller !== 'geminiArray')
        .map(async ({ caller, name }) =>
          expectTold(await ask(caller, name, stream, once), caller, 'first_token'),
        ),
    )
    await expect.poll(() => engine.connections, { timeout: 15_000 }).toBe(0)
  })

  test('F2: that gives headers at once and then nothing is followed by the next tier', async () => {
    settle(bed, engine, 'good', 'anthropic')
    const routes = everyPair('headers then silence').map(({ caller, name }) => {
      bed.route(`${name}-2`, {
        timeouts: { firstContentMs: 1000 },
        tiers: [name, 'good'].map(provider => ({ targets: [{ provider, model }] })),
      })
      return { caller, name: `${name}-2` }
    })
    await Promise.all(
      routes.map(async ({ caller, name }) => {
        const answer = await ask(caller, name, true)
        expect(answer.headers.get('x-switchyard-fallback')).toBe('1')
        expect(callers[caller].stream(await answer.text())).toMatchObject({ text: said, whole: true })
      }),
    )
  })

  test.each(['content then silence', 'content then pings'] as const)(
    'R2: that gives %s is told of in the stream, and nothing is tried again',
    async act => {
      await Promise.all(
        everyPair(act, { ...hasty, firstContentMs: 10_000 }).map(async ({ caller, name }) => {
          const got = callers[caller].stream(await (await ask(caller, name, true)).text())
          expect(got.whole, name).toBe(false)
          expect(got.error, name).toBeDefined()
        }),
      )
      expect(engine.seen).toHaveLength(pairs.length)
      expect(bed.journal.events).toHaveLength(pairs.length)
      for (const { data } of bed.journal.events)
        expect(data).toMatchObject({ end: 'our_timeout', billable: 'cost' })
    },
  )
})

describe.each(upstreamDialects)('an upstream of %s', dialect => {
  const caller: CallerName = dialect === 'responses' ? 'responses' : 'openai'

  test('F14: that is cut at any byte of a whole reply is never a 200', { timeout: 60_000 }, async () => {
    lone('whole', dialect, 'good')
    await (await ask(caller, 'whole', false)).text()
    const [{ url, body } = { url: '', body: Buffer.alloc(0) }] = engine.seen
    const length = Buffer.byteLength(readAsked(url, body).speaker.reply('text'))
    // A breaker opens at ten faults: each provider has fewer.
    const share = 8
    bed.together(() => {
      for (let i = 0; i * share < length * 2; i++) lone(`p${i}`, dialect, undefined)
    })
    let asked = 0
    for (let bytes = 0; bytes < length; bytes++) {
      for (const act of ['cut at', 'truncated at'] as const) {
        engine.will(`${act} ${bytes}`)
        const answer = await ask(caller, `p${Math.floor(asked++ / share)}`, false, once)
        await answer.arrayBuffer()
        expect(answer.status, `${act} ${bytes} of ${length}`).toBe(502)
      }
    }
    expect(bed.journal.events.filter(({ data }) => data.end === 'done')).toHaveLength(1)
  })

  test('F13: that refuses our key, or says it, is a 502 with our text for every caller', async () => {
    bed.credential('k', 'sk-upstream-4f9a')
    settle(bed, engine, 'p', dialect, { act: 'status 401', credential: 'k' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    for (const one of callerNames) await expectTold(await ask(one, 'm', true, once), one, 'upstream_error')
    expect(bed.told).not.toContain('4f9a')
  })
})
