// R11 through the port: requests for an endpoint without a ready replica wait for one, within bounds.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed, document } from './bed.ts'
import { at, callers } from './callers.ts'
import { settle } from './fleet.ts'
import { metric } from './scrape.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string

beforeEach(async () => {
  engine = await ScriptedUpstream.start()
  bed = await Bed.start()
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

/** An endpoint whose one replica is starting. */
function starting(name: string, spec: object = {}): void {
  bed.together(() => {
    bed.endpoint(name, [engine.address], { spec })
    bed.change('Replica', `${name}-1-0`, { status: { state: 'Starting' } })
  })
}

const awake = (name = 'tiny') => bed.change('Replica', `${name}-1-0`, { status: { state: 'Ready' } })

const held = () => metric(bed, 'held')
const waiting = (count: number) => expect.poll(held, { interval: 5, timeout: 10_000 }).toBe(count)

async function told(answer: Promise<Response>) {
  const { status, headers } = await answer
  const body: unknown = await (await answer).json()
  return {
    status,
    code: at(body, 'error', 'code'),
    message: String(at(body, 'error', 'message')),
    after: Number(headers.get('retry-after')),
  }
}

describe('R11 a request to an endpoint without a ready replica', () => {
  test('is held and served once one is ready, and 50 callers cause one wake-up', async () => {
    starting('tiny')
    const asked = Array.from({ length: 50 }, (_, i) => bed.chat(key, { user: `u${i}`, stream: i % 2 === 1 }))
    await waiting(50)
    expect(engine.seen).toHaveLength(0)
    expect(bed.woken).toEqual(['default/tiny'])
    awake()
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(50).fill(200))
    await Promise.all(answers.map(answer => answer.text()))
    expect(engine.seen).toHaveLength(50)
    expect(bed.woken).toHaveLength(1)
    expect(held()).toBe(0)
    expect(metric(bed, 'holds_total', { outcome: 'served' })).toBe(50)
    expect(bed.gateway.inflight).toBe(0)
  })

  test('is served in the order of its coming, a part of them in each turn', async () => {
    starting('tiny', { hold: { requests: 30, seconds: 60 } })
    const asked: Promise<Response>[] = []
    for (let i = 0; i < 12; i++) {
      asked.push(bed.chat(key, { user: `u${i}` }))
      await waiting(i + 1)
    }
    awake()
    await Promise.all(asked)
    const users = engine.seen.map(({ body }) => at(JSON.parse(body.toString()), 'user'))
    // Three go in a turn: connections may overtake within one and the next, not further.
    for (let i = 0; i + 6 < 12; i++)
      for (let later = i + 6; later < 12; later++)
        expect(users.indexOf(`u${i}`), users.join()).toBeLessThan(users.indexOf(`u${later}`))
  })

  test('is refused with retry-after when the hold is full, and at once', async () => {
    starting('tiny', { hold: { requests: 2, seconds: 30 } })
    const first = [bed.chat(key), bed.chat(key)]
    await waiting(2)
    expect(await told(bed.chat(key))).toMatchObject({ status: 503, code: 'no_upstream' })
    const { after } = await told(bed.chat(key))
    expect(after).toBeGreaterThan(25)
    expect(after).toBeLessThanOrEqual(30)
    const anthropic = await bed.post(callers.anthropic.path('tiny', false), key, {
      ...callers.anthropic.body('tiny', false),
    })
    expect(anthropic.status).toBe(529)
    expect(Number(anthropic.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(metric(bed, 'holds_total', { outcome: 'full' })).toBe(3)
    awake()
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200])
  })

  test('is refused at once with the time that a start takes when it cannot wait for so long, and wakes it all the same', async () => {
    starting('tiny')
    let ahead = 0
    bed.now = () => Date.now() + ahead
    const asleep = () => bed.change('Replica', 'tiny-1-0', { status: { state: 'Starting' } })
    const start = async (seconds: number) => {
      const asked = bed.chat(key)
      await waiting(1)
      ahead += seconds * 1000
      awake()
      expect((await asked).status).toBe(200)
      asleep()
    }
    await start(30)
    const hasty = { headers: { 'x-switchyard-timeout-ms': '10000' } }
    const begun = performance.now()
    const { status, code, after } = await told(bed.chat(key, {}, hasty))
    expect(performance.now() - begun).toBeLessThan(5000)
    expect([status, code]).toEqual([503, 'no_upstream'])
    expect(after).toBeGreaterThanOrEqual(29)
    expect(after).toBeLessThanOrEqual(31)
    expect(bed.woken).toEqual(['default/tiny', 'default/tiny'])
    expect(metric(bed, 'holds_total', { outcome: 'hopeless' })).toBe(1)
    // Whoever comes later in the same start has less to wait.
    ahead += 25_000
    const late = bed.chat(key, {}, hasty)
    await waiting(1)
    awake()
    expect((await late).status).toBe(200)
    asleep()
    // One long start among ten is not believed for ever: what they took is learnt also when nobody has waited.
    for (let i = 0; i < 9; i++) {
      await told(bed.chat(key, {}, { headers: { 'x-switchyard-timeout-ms': '1000' } }))
      awake()
      await expect.poll(async () => (await bed.chat(key)).status).toBe(200)
      await new Promise(resolve => setTimeout(resolve, 300))
      asleep()
      ahead += 20_000
    }
    const short = bed.chat(key, {}, hasty)
    await waiting(1)
    awake()
    expect((await short).status).toBe(200)
  })

  test('is refused with retry-after when its time is over, and was not called overhead', async () => {
    starting('tiny', { hold: { requests: 100, seconds: 1 } })
    const answer = await bed.chat(key)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(Number(answer.headers.get('openai-processing-ms'))).toBeGreaterThan(900)
    expect(Number(answer.headers.get('x-switchyard-overhead-ms'))).toBeLessThan(300)
    expect(metric(bed, 'holds_total', { outcome: 'late' })).toBe(1)
    expect(bed.journal.last).toMatchObject({ end: 'refused' })
  })

  test('waits no longer than its own time', async () => {
    starting('tiny')
    const headers = { 'x-switchyard-timeout-ms': '600' }
    const begun = performance.now()
    expect(await told(bed.chat(key, {}, { headers }))).toMatchObject({ status: 503, code: 'no_upstream' })
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  test('leaves its place when its caller does (F6)', async () => {
    starting('tiny', { hold: { requests: 1, seconds: 60 } })
    const leaving = new AbortController()
    const first = bed.chat(key, {}, { signal: leaving.signal }).catch(() => undefined)
    await waiting(1)
    leaving.abort()
    await first
    await waiting(0)
    expect(metric(bed, 'holds_total', { outcome: 'gone' })).toBe(1)
    await expect.poll(() => bed.journal.events.length).toBe(1)
    expect(bed.journal.last).toMatchObject({ end: 'client_gone', status: 499 })
    const second = bed.chat(key)
    await waiting(1)
    awake()
    expect((await second).status).toBe(200)
    expect(engine.seen).toHaveLength(1)
  })

  test('is told at once why nobody will come', async () => {
    starting('tiny')
    starting('zero', { replicas: 0 })
    starting('off', { paused: true })
    starting('broken')
    bed.change('Endpoint', 'broken', {
      status: {
        phase: 'Failed',
        conditions: [
          { type: 'Progressing', status: 'False', reason: 'ModelCorrupt', message: 'of /secret/path' },
        ],
      },
    })
    expect(await told(bed.chat(key, { model: 'zero' }))).toEqual({
      status: 503,
      code: 'no_upstream',
      message: "The endpoint 'zero' has no replicas: set spec.replicas to 1 or more to call it.",
      after: 30,
    })
    expect(await told(bed.chat(key, { model: 'off' }))).toMatchObject({
      status: 503,
      code: 'endpoint_paused',
    })
    expect(await told(bed.chat(key, { model: 'broken' }))).toMatchObject({
      status: 503,
      code: 'no_upstream',
      message: "The endpoint 'broken' cannot start (ModelCorrupt): its status says why.",
    })
    expect(bed.woken).toEqual([])
  })

  test.each([
    ['paused', () => bed.change('Endpoint', 'tiny', { spec: { paused: true } }), 'endpoint_paused'],
    ['set to no replicas', () => bed.change('Endpoint', 'tiny', { spec: { replicas: 0 } }), 'no_upstream'],
    ['deleted', () => bed.remove('Endpoint', 'tiny'), 'no_upstream'],
    ['failed', () => bed.change('Endpoint', 'tiny', { status: { phase: 'Failed' } }), 'no_upstream'],
  ])('is refused as soon as the endpoint is %s', async (_, change, code) => {
    starting('tiny')
    const asked = [told(bed.chat(key)), told(bed.chat(key, { stream: true }))]
    await waiting(2)
    change()
    expect((await Promise.all(asked)).map(one => [one.status, one.code])).toEqual([
      [503, code],
      [503, code],
    ])
    expect(metric(bed, 'holds_total', { outcome: 'ended' })).toBe(2)
  })

  test('sends no status while it waits, whatever commitAfter says', async () => {
    starting('tiny')
    bed.route('m', { commitAfter: 100, tiers: [{ targets: [{ endpoint: 'tiny' }] }] })
    let answered = false
    const asked = bed.chat(key, { model: 'm', stream: true }).then(answer => {
      answered = true
      return answer
    })
    await waiting(1)
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(answered).toBe(false)
    awake()
    expect((await asked).status).toBe(200)
  })
})

describe('R11 an endpoint that sleeps', () => {
  const spec = { idleSeconds: 60 }
  const asleep = { phase: 'Idle', replicas: { desired: 0, placed: 0, starting: 0, ready: 0, draining: 0 } }

  test('is woken once by all who ask for it, in every dialect, and says so to who looks', async () => {
    bed.endpoint('tiny', [], { spec })
    bed.change('Endpoint', 'tiny', { status: asleep })
    const asked = Object.values(callers).flatMap(({ path, body }) =>
      Array.from({ length: 7 }, () => bed.post(path('tiny', true), key, body('tiny', true))),
    )
    await waiting(asked.length)
    expect(bed.woken).toEqual(['default/tiny'])
    expect(metric(bed, 'wakes_total')).toBe(1)
    // It is said again while they wait, and never for each of them.
    bed.now = () => Date.now() + 16_000
    await expect.poll(() => bed.woken.length).toBe(2)
    bed.add(replica())
    bed.swap()
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(asked.length).fill(200))
    await Promise.all(answers.map(answer => answer.arrayBuffer()))
    expect(engine.seen).toHaveLength(asked.length)
  })

  test('is said to be in use while it is, every 5 s, and others are not', async () => {
    bed.together(() => {
      bed.endpoint('tiny', [engine.address], { spec })
      bed.endpoint('other', [engine.address])
    })
    let ahead = 0
    bed.now = () => Date.now() + ahead
    engine.always('one by one')
    const asked = Promise.all([
      bed.chat(key, { stream: true }),
      bed.chat(key, { stream: true, model: 'other' }),
    ])
    await expect.poll(() => bed.woken).toEqual(['default/tiny'])
    for (let i = 2; i <= 4; i++) {
      ahead += 5000
      await expect.poll(() => bed.woken.length).toBe(i)
    }
    expect(new Set(bed.woken)).toEqual(new Set(['default/tiny']))
    engine.step(100)
    await Promise.all((await asked).map(answer => answer.text()))
  })

  const replica = () =>
    document(
      'Replica',
      'default',
      'tiny-1-0',
      { endpoint: 'tiny', revision: 1, ordinal: 0, cluster: 'platform/local' },
      { state: 'Ready', address: engine.address },
    )
})

describe('R11 a route with an endpoint that has no ready replica', () => {
  test('goes on to a later tier, and wakes nobody', async () => {
    starting('tiny')
    settle(bed, engine, 'spare', 'openai')
    const targets = [{ provider: 'spare', model: 'tiny' }]
    bed.route('m', { expose: 'upstream', tiers: [{ targets: [{ endpoint: 'tiny' }] }, { targets }] })
    const answer = await bed.chat(key, { model: 'm' })
    expect(answer.headers.get('x-switchyard-upstream')).toBe('spare')
    expect(bed.woken).toEqual([])
  })

  test('waits while what it has beside is unfit, and takes what is fit first', async () => {
    starting('tiny')
    settle(bed, engine, 'spare', 'openai')
    const targets = [{ provider: 'spare', model: 'tiny' }]
    bed.route('m', {
      expose: 'upstream',
      retries: { attempts: 1 },
      tiers: [{ targets: [{ endpoint: 'tiny' }] }, { targets }],
    })
    let ahead = 0
    bed.now = () => Date.now() + ahead
    engine.will('busy for 30')
    expect((await bed.chat(key, { model: 'm' })).status).toBe(429)
    const asked = bed.chat(key, { model: 'm' })
    await waiting(1)
    expect(bed.woken).toEqual(['default/tiny'])
    ahead = 30_000
    const answer = await asked
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-switchyard-upstream')).toBe('spare')
  })

  test('waits for what it has beside though the endpoint takes longer than the request has', async () => {
    starting('tiny')
    settle(bed, engine, 'spare', 'openai')
    bed.route('m', {
      expose: 'upstream',
      retries: { attempts: 1 },
      tiers: [{ targets: [{ endpoint: 'tiny' }] }, { targets: [{ provider: 'spare', model: 'tiny' }] }],
    })
    let ahead = 0
    bed.now = () => Date.now() + ahead
    const first = bed.chat(key)
    await waiting(1)
    ahead += 40_000
    awake()
    expect((await first).status).toBe(200)
    bed.change('Replica', 'tiny-1-0', { status: { state: 'Starting' } })
    engine.will('busy for 5')
    expect((await bed.chat(key, { model: 'm' })).status).toBe(429)
    const asked = bed.chat(key, { model: 'm' }, { headers: { 'x-switchyard-timeout-ms': '20000' } })
    await waiting(1)
    ahead += 5000
    expect((await asked).headers.get('x-switchyard-upstream')).toBe('spare')
  })

  test('waits for another endpoint when the first one fails, and wakes that', async () => {
    starting('one')
    starting('two')
    bed.route('m', { tiers: [{ targets: [{ endpoint: 'one' }] }, { targets: [{ endpoint: 'two' }] }] })
    const asked = bed.chat(key, { model: 'm' })
    await waiting(1)
    bed.change('Endpoint', 'one', { status: { phase: 'Failed' } })
    await expect.poll(() => bed.woken, { interval: 5 }).toEqual(['default/one', 'default/two'])
    expect(held()).toBe(1)
    awake('two')
    expect((await asked).status).toBe(200)
  })

  test('serves from the cache while it sleeps, and equal requests wait as one', async () => {
    starting('tiny')
    bed.route('m', { cache: { mode: 'exact' }, tiers: [{ targets: [{ endpoint: 'tiny' }] }] })
    const asked = Array.from({ length: 5 }, () => bed.chat(key, { model: 'm', temperature: 0 }))
    await waiting(1)
    await expect.poll(() => bed.gateway.inflight).toBe(5)
    awake()
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(engine.seen).toHaveLength(1)
  })
})

test('R11 a request whose only replica is gone before it answers waits for the next one', async () => {
  bed.endpoint('tiny', [engine.address])
  engine.will('silence')
  const asked = bed.chat(key)
  await expect.poll(() => engine.seen.length).toBe(1)
  bed.change('Replica', 'tiny-1-0', { status: { state: 'Starting' } })
  engine.drop()
  await waiting(1)
  awake()
  const answer = await asked
  expect(answer.status).toBe(200)
  expect(answer.headers.get('x-switchyard-attempts')).toBe('2')
})

test('R11 explain says that a request would wait, and holds nothing', async () => {
  starting('tiny')
  const explained = await bed.gateway.explain({ workspace: 'default', model: 'tiny' })
  expect(explained.verdict).toEqual({ type: 'held', endpoint: 'tiny', seconds: 60 })
  expect(explained.sentences[0]).toBe(
    'A request for tiny in default would wait until the endpoint tiny has a ready replica, for at most 60 s.',
  )
  expect(held()).toBe(0)
  expect(bed.woken).toEqual([])
  bed.add(document('Endpoint', 'default', 'zero', { route: 'auto', paused: false, replicas: 0 }))
  bed.swap()
  const zero = await bed.gateway.explain({ workspace: 'default', model: 'zero' })
  expect(zero.verdict).toMatchObject({ type: 'refused', reason: 'no_upstream' })
})

test('R11 a gateway that stops lets those who wait go on, and ends the rest', async () => {
  starting('tiny')
  const asked = told(bed.chat(key))
  await waiting(1)
  await bed.gateway.drain(0.2)
  expect(await asked).toMatchObject({ status: 503, code: 'draining' })
  expect(held()).toBe(0)
})
