import { randomUUIDv7 } from 'node:crypto'
import { type ShipObservation, shipUsage } from '@switchyard/ledger'
import type { JournalReader, UsageStore, Used } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { describe, expect, test } from 'vitest'

function usedOf(tokens: bigint): Used {
  const at = Date.now()
  return {
    admitted: {
      request: randomUUIDv7(),
      at,
      workspace: 'default',
      project: null,
      key: 'k',
      keyName: 'k',
      model: 'tiny',
      endpoint: 'tiny',
      operation: 'chat.completions',
      streamed: false,
    },
    ended: {
      at,
      end: 'done',
      status: 200,
      attempt: 1,
      upstream: 'tiny-1-0',
      billable: 'caller',
      usage: { quantities: { 'tok.out.text': tokens }, source: 'engine', flags: [] },
    },
  }
}

/** Hands out the same batch until it is acknowledged, as a journal does. */
function readerOf(batches: (readonly Used[])[]): JournalReader & { readonly left: number } {
  return {
    get left() {
      return batches.length
    },
    async batch(_, signal) {
      while (batches.length === 0) {
        await new Promise(resolve => setTimeout(resolve, 5))
        signal.throwIfAborted()
      }
      return {
        used: batches[0] ?? [],
        async acknowledge() {
          batches.shift()
        },
      }
    },
  }
}

async function ship(reader: ReturnType<typeof readerOf>, store: Pick<UsageStore, 'ingest'>) {
  const observed: ShipObservation[] = []
  const stop = new AbortController()
  const running = shipUsage({
    reader,
    store,
    observe: observation => void observed.push(observation),
    clock: Date.now,
    random: () => 0,
    backoffMilliseconds: 50,
    signal: stop.signal,
  })
  await expect.poll(() => reader.left, { interval: 5 }).toBe(0)
  stop.abort()
  await running
  return observed
}

describe('the shipper', () => {
  test('brings each event to PostgreSQL once, though some come twice', async () => {
    await using database = await testDatabase()
    const events = [usedOf(3n), usedOf(2n ** 60n), usedOf(4n)]
    const observed = await ship(readerOf([events, events.slice(0, 2), [usedOf(5n)]]), database.usage)
    expect(observed.map(o => (o.type === 'usage_shipped' ? [o.events, o.duplicates] : o))).toEqual([
      [3, 0],
      [2, 2],
      [1, 0],
    ])
    const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const
    const [row] = await database.usage.usage(operator, { by: ['model'] })
    expect(row).toMatchObject({ requests: '4', quantities: { 'tok.out.text': `${2n ** 60n + 12n}` } })
  })

  test('tries again, later each time, until the store answers', async () => {
    let calls = 0
    const observed = await ship(readerOf([[usedOf(1n)]]), {
      async ingest(events) {
        if (++calls < 4) throw new Error('the database is away')
        return events.map(() => 'accepted')
      },
    })
    expect(observed.map(({ type }) => type)).toEqual([
      'usage_not_shipped',
      'usage_not_shipped',
      'usage_not_shipped',
      'usage_shipped',
    ])
    expect(observed[2]).toMatchObject({ attempt: 3, events: 1 })
  })

  test('says how old the oldest event was, and which were quarantined', async () => {
    const used = usedOf(1n)
    const observed = await ship(readerOf([[used]]), { ingest: async () => ['quarantined'] })
    expect(observed[0]).toEqual({ type: 'usage_quarantined', ids: [`${used.admitted.request}:1:call`] })
    expect(observed[1]).toMatchObject({ type: 'usage_shipped', events: 1 })
    expect(observed[1]?.type === 'usage_shipped' && observed[1].lagMilliseconds).toBeGreaterThanOrEqual(0)
  })

  test('stops at once when it is told to, while it waits for a store that is away', async () => {
    const stop = new AbortController()
    const reader = readerOf([[usedOf(1n)]])
    const running = shipUsage({
      reader,
      store: { ingest: () => Promise.reject(new Error('away')) },
      observe: () => stop.abort(),
      clock: Date.now,
      random: () => 1,
      backoffMilliseconds: 1_000_000,
      signal: stop.signal,
    })
    await running
    expect(reader.left).toBe(1)
  })
})
