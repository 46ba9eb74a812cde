// What was asked over a time: counted once each, by how it ended and how long it took, for whoever may read it.
import type { UsageEvent } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { caller, operator } from './given.ts'
import { usageEvent } from './usage-event.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.close())

const hour = 3_600_000
const from = Math.floor(Date.now() / hour) * hour - 2 * hour
const span = { from: new Date(from).toISOString(), to: new Date(from + 2 * hour).toISOString(), step: 3600 }

/** Admitted so many minutes after the beginning; took so many milliseconds. */
function asked(minutes: number, milliseconds: number, data: Partial<UsageEvent['data']> = {}): UsageEvent {
  const time = from + minutes * 60_000
  const event = usageEvent('lab', { endedAt: new Date(time + milliseconds).toISOString(), ...data })
  return { ...event, time: new Date(time).toISOString() }
}

test('requests are counted once each, step by step, by how they ended and how long they took', async () => {
  const durations = Array.from({ length: 20 }, (_, at) => asked(at, (at + 1) * 100))
  const refused = asked(30, 5, { end: 'refused', status: 429, quantities: {} })
  const failed = asked(70, 9000, { end: 'upstream_error', status: 502, quantities: {} })
  // The upstream had begun to answer and the caller does not pay.
  const brokenOff = asked(71, 9000, { end: 'upstream_error', status: 200, billable: 'cost' })
  const left = asked(72, 50, { end: 'client_gone', status: 499 })
  const shadow = asked(73, 50, { billable: 'cost' })
  const shadowFailed = asked(73, 50, { billable: 'cost', end: 'upstream_error', status: 0 })
  const spare = asked(74, 50, { billable: 'cost', end: 'upstream_error', status: 500 })
  const events = [
    ...durations,
    refused,
    failed,
    brokenOff,
    left,
    shadow,
    shadowFailed,
    { ...spare, id: spare.id.replace(':call', ':spare') },
    asked(-1, 10),
    asked(120, 10),
  ]
  expect(new Set(await db.usage.ingest(events))).toEqual(new Set(['accepted']))
  const { total, steps } = await db.usage.traffic(operator, { ...span, workspace: 'lab' })
  expect(steps).toEqual([
    {
      start: span.from,
      requests: '21',
      errors: { client: '1', server: '0', gone: '0' },
      tokens: { input: '200', output: '100' },
      seconds: { p50: 1, p95: 1.9 },
    },
    {
      start: new Date(from + hour).toISOString(),
      requests: '3',
      errors: { client: '0', server: '2', gone: '1' },
      tokens: { input: '10', output: '5' },
      seconds: undefined,
    },
  ])
  expect(total).toEqual({
    requests: '24',
    errors: { client: '1', server: '2', gone: '1' },
    tokens: { input: '210', output: '105' },
    seconds: { p50: 1, p95: 1.9 },
  })
  const other = await db.usage.traffic(operator, { ...span, workspace: 'lab', endpoint: 'another' })
  expect(other).toEqual({
    total: {
      requests: '0',
      errors: { client: '0', server: '0', gone: '0' },
      tokens: { input: '0', output: '0' },
      seconds: undefined,
    },
    steps: [],
  })
})

test('the time to the first token is that of streams, to the millisecond, however many gateways answered them', async () => {
  const streams = Array.from({ length: 20 }, (_, at) =>
    asked(at, 5000, { streamed: true, firstTokenMs: (at + 1) * 10, workspace: 'streams' }),
  )
  const spare = asked(3, 9, { workspace: 'streams', billable: 'cost', firstTokenMs: 100_000 })
  await db.usage.ingest([
    ...streams,
    { ...spare, id: spare.id.replace(':call', ':spare') },
    asked(90, 10, { workspace: 'streams' }),
  ])
  const { total, steps } = await db.usage.traffic(operator, { ...span, workspace: 'streams' })
  expect(total.firstToken).toEqual({ p50: 0.1, p95: 0.19 })
  expect(steps.map(({ firstToken }) => firstToken)).toEqual([{ p50: 0.1, p95: 0.19 }, undefined])
})

test('who may read no usage of a workspace is told of none of it', async () => {
  await db.usage.ingest([asked(5, 10)])
  const { total } = await db.usage.traffic(caller('nobody'), span)
  expect(total.requests).toBe('0')
})

test('the requests of a project are told by themselves', async () => {
  const events = [null, 'shop'].map(project => asked(10, 100, { workspace: 'fair', project }))
  expect(new Set(await db.usage.ingest(events))).toEqual(new Set(['accepted']))
  const ofShop = await db.usage.traffic(operator, { ...span, workspace: 'fair', project: 'shop' })
  expect(ofShop.total.requests).toBe('1')
})
