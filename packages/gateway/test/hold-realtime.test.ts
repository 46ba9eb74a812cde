// R11 for sessions: one that is opened for an endpoint without a ready replica waits for it as a request does.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { at } from './callers.ts'
import { Heard, Sessions } from './realtime.bed.ts'
import { metric } from './scrape.ts'

let bed: Bed
let upstream: Sessions
let key: string
beforeEach(async () => {
  upstream = await Sessions.start()
  bed = await Bed.start()
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

function starting(spec: object = {}): void {
  bed.together(() => {
    bed.endpoint('tiny', [upstream.address], { spec })
    bed.change('Replica', 'tiny-1-0', { status: { state: 'Starting' } })
  })
}

const awake = () => bed.change('Replica', 'tiny-1-0', { status: { state: 'Ready' } })
const waiting = (count: number) => expect.poll(() => metric(bed, 'held'), { timeout: 10_000 }).toBe(count)
const open = () =>
  new Heard(`ws://127.0.0.1:${bed.port}/v1/realtime?model=tiny`, [], { authorization: `Bearer ${key}` })

test('R11: sessions wait with requests, wake the endpoint once, and open when it is awake', async () => {
  starting({ idleSeconds: 60 })
  const sessions = Array.from({ length: 10 }, open)
  await waiting(10)
  expect(bed.woken).toEqual(['default/tiny'])
  expect(upstream.requests).toHaveLength(0)
  awake()
  expect(await Promise.all(sessions.map(({ opened }) => opened))).toEqual(Array(10).fill('open'))
  const [first] = sessions
  first?.socket.send('{"type":"response.create"}')
  await expect.poll(() => first?.types).toEqual(['session.created', 'response.done'])
  expect(metric(bed, 'holds_total', { outcome: 'served' })).toBe(10)
  for (const { socket } of sessions) socket.close(1000)
  await expect.poll(() => bed.gateway.inflight).toBe(0)
  expect(bed.journal.events).toHaveLength(10)
})

test('R11: a session that finds the hold full is refused at once with retry-after, and one that waits too long too', async () => {
  starting({ hold: { requests: 1, seconds: 2 } })
  const first = open()
  await waiting(1)
  const begun = performance.now()
  const refused = await open().opened
  expect(performance.now() - begun).toBeLessThan(1000)
  const late = await first.opened
  for (const answer of [refused, late]) {
    if (answer === 'open') throw new Error('there was nobody to open it')
    expect(answer.status).toBe(503)
    expect(at(JSON.parse(answer.body), 'error', 'code')).toBe('no_upstream')
    expect(Number(at(answer.headers, 'retry-after'))).toBeGreaterThan(0)
  }
  expect(upstream.requests).toHaveLength(0)
})

test('R11: a session whose caller leaves while it waits gives its place back', async () => {
  starting({ hold: { requests: 1, seconds: 60 } })
  const first = open()
  await waiting(1)
  first.socket.terminate()
  await waiting(0)
  await expect.poll(() => bed.journal.events.length).toBe(1)
  expect(bed.journal.last).toMatchObject({ end: 'client_gone', operation: 'realtime' })
  const second = open()
  await waiting(1)
  awake()
  expect(await second.opened).toBe('open')
})
