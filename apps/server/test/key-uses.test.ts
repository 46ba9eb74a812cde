// What a key was last used for a person sees: by way of real gateways and of the control plane.
import { systemClock } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type KeyUseObservation, tellKeyUses } from '../src/key-uses.ts'
import { connection, startYard, type Yard } from './yard.ts'

let db: TestDatabase
let yard: Yard
beforeAll(async () => {
  db = await testDatabase()
  yard = await startYard(db, { SWITCHYARD_WORKERS: '2', SWITCHYARD_DRAIN_SECONDS: '2' })
})
afterAll(async () => {
  await yard?.[Symbol.asyncDispose]()
  await db?.close()
})

interface Used {
  readonly lastUsedAt?: string
}

test('a key and its account tell within a minute when it was used, by a gateway or by the API', async () => {
  const used = async (name: string) =>
    ((await yard.api.get('ApiKey', { workspace: 'default', name })).status as Used).lastUsedAt
  const began = Date.now()
  const called = await yard.newKey('called')
  const asked = await yard.newKey('asked', { scopes: ['endpoint:read'] })
  await yard.newKey('idle')
  const agent = connection()
  await vi.waitFor(async () => expect((await yard.ask(agent, '/v1/models', called)).status).toBe(200))
  expect((await yard.ask(agent, '/api/v1/whoami', asked)).status).toBe(200)
  agent.destroy()
  await vi.waitFor(
    async () => {
      for (const name of ['called', 'asked'])
        expect(Date.parse((await used(name)) ?? '')).toBeGreaterThan(began - 60_000)
    },
    { timeout: 60_000, interval: 500 },
  )
  expect(await used('idle')).toBeUndefined()
  const { items } = await yard.api.list('ApiKey', { workspace: 'default' })
  const listed = new Map(items.map(({ metadata, status }) => [metadata.name, (status as Used).lastUsedAt]))
  expect(listed.get('called')).toBe(await used('called'))
  const account = await yard.api.get('ServiceAccount', { workspace: 'default', name: 'quickstart' })
  expect((account.status as Used).lastUsedAt).toBeTypeOf('string')
}, 90_000)

test('what cannot be told waits, and a newer use takes its place', async () => {
  const told: (readonly [string, number])[][] = []
  const seen: KeyUseObservation[] = []
  let broken = true
  const uses = {
    async tell(given: ReadonlyMap<string, number>) {
      if (broken) throw new Error('away')
      told.push([...given])
    },
  }
  const turns: (() => void)[] = []
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>(resolve => {
      turns.push(resolve)
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  const teller = tellKeyUses({ uses, clock: { ...systemClock, sleep }, observe: what => seen.push(what) })
  teller.note('a', 5)
  turns.shift()?.()
  await vi.waitFor(() => expect(seen).toMatchObject([{ type: 'key_uses_not_told' }]))
  teller.note('a', 4)
  teller.note('b', 7)
  broken = false
  await teller[Symbol.asyncDispose]()
  expect(told).toEqual([
    [
      ['a', 5],
      ['b', 7],
    ],
  ])
})
