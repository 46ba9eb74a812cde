// Many gateways draw on one balance, and one of them may vanish at any moment: what they let pass is never more than there
// is, and what was held and used adds up after every step.
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { openPostgresBalances } from '@switchyard/drivers/balances/postgres'
import { formatDecimal, priceBook } from '@switchyard/kinds'
import { compilePrices } from '@switchyard/ledger'
import type { UsageEvent } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Hold } from '../src/wallet/wallet.ts'
import { Wallets } from '../src/wallet/wallets.ts'
import { document } from './bed.ts'
import { unsound } from './wallet.bed.ts'

const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const
const one = 10n ** 12n

let db: TestDatabase
let eyes: Client
beforeAll(async () => {
  db = await testDatabase({ prices: compilePrices, connections: 10 })
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  const spec = priceBook.spec.parse({
    side: 'sale',
    currency: 'USD',
    from: '2026-01-01T00:00:00Z',
    rates: [{ model: 'm', unit: 'tok.out.*', price: '1', per: 1 }],
  })
  const version = { name: 'sale', version: 1, publishedBy: 'system:operator', spec }
  await db.store.write(operator, tx => db.prices.publish(tx, version))
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

let made = 0
async function workspace(balance: bigint): Promise<string> {
  const name = `w${++made}`
  const spec = { currency: 'USD', billing: { mode: 'prepaid' } }
  await db.store.write(operator, tx => tx.insert(document('Workspace', null, name, spec), []))
  await pay(name, balance)
  return name
}

async function pay(name: string, amount: bigint): Promise<void> {
  const money = { priority: 1, expiresAt: null, reason: null, key: randomUUID(), fingerprint: '' }
  const cause = 'top_up'
  await db.ledger.record(operator, {
    workspace: name,
    project: '',
    cause,
    amount: formatDecimal(amount),
    ...money,
  })
}

class Gateway {
  readonly journal = randomUUID()
  epoch = 1
  readonly workspace: string
  wallets: Wallets
  readonly unshipped: UsageEvent[] = []

  /** How long it waits for the database, milliseconds. */
  readonly patience: number

  constructor(workspace: string, patience = 20_000) {
    this.workspace = workspace
    this.patience = patience
    this.wallets = this.#open()
  }

  #open(): Wallets {
    const holder = { journal: this.journal, epoch: this.epoch }
    const balances = openPostgresBalances({ url: db.url, holder, connections: 1, timeoutMs: 20_000 })
    return new Wallets({
      balances,
      monotonic: () => performance.now(),
      waitMs: this.patience,
      observe: () => undefined,
    })
  }

  hold(request: string, amount: bigint): Hold | Promise<Hold> {
    return this.wallets.hold({ workspace: this.workspace, project: '' }, request, amount, 0n)
  }

  /** As its journal would tell it. */
  used(request: string, hold: Hold, tokens: bigint): void {
    const time = new Date().toISOString()
    const { from } = hold
    this.unshipped.push({
      specversion: '1.0',
      type: 'switchyard.usage.v1',
      source: '/gateway',
      id: `${request}:1:call`,
      subject: `${this.workspace}/-`,
      time,
      data: {
        workspace: this.workspace,
        project: null,
        key: 'k',
        keyName: 'k',
        model: 'm',
        endpoint: '',
        upstream: 'u',
        request,
        operation: 'chat.completions',
        billable: 'caller',
        streamed: false,
        end: 'done',
        status: 200,
        endedAt: time,
        usageSource: 'provider',
        quantities: { 'tok.out.text': String(tokens) },
        flags: [],
        ...(from !== undefined && { hold: from }),
      },
    })
  }

  async ship(): Promise<void> {
    const events = this.unshipped.splice(0)
    const answers = await db.usage.ingest(events)
    expect(new Set(answers).difference(new Set(['accepted', 'duplicate']))).toEqual(new Set())
  }

  /** Killed, and another process has read its journal. */
  async recover(): Promise<void> {
    this.epoch++
    await this.ship()
    await db.usage.recovered({ journal: this.journal, epoch: this.epoch })
    this.wallets = this.#open()
  }
}

const standing = async (name: string) => (await db.ledger.balances(operator, name))[0]
async function expectSound(): Promise<void> {
  expect((await eyes.query(unsound)).rows).toEqual([])
}

test.for([1, 2, 8])(
  'MB3.20: of 1,000 calls at once on a balance for 100, over %i gateways, at most 100 pass, and with retries exactly 100',
  { timeout: 120_000 },
  async lessees => {
    const name = await workspace(100n * one)
    const gateways = Array.from({ length: lessees }, () => new Gateway(name))
    let passed = 0
    const call = async (gateway: Gateway): Promise<boolean> => {
      const request = randomUUIDv7()
      try {
        const hold = await gateway.hold(request, one)
        passed++
        gateway.used(request, hold, 1n)
        hold.settle(one)
        return true
      } catch (error) {
        expect(error).toMatchObject({ reason: 'insufficient_quota' })
        return false
      }
    }
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => call(gateways[i % lessees] as Gateway)),
    )
    expect(passed).toBeLessThanOrEqual(100)
    expect(answers.filter(Boolean).length).toBe(passed)
    await Promise.all(gateways.map(gateway => gateway.ship()))
    await expectSound()
    // What one has leased and not used comes back to the others when slices are looked at.
    for (let turn = 0; turn < 200 && passed < 100; turn++) {
      if (!(await call(gateways[turn % lessees] as Gateway)))
        for (const gateway of gateways) await gateway.wallets.keep()
    }
    expect(passed).toBe(100)
    for (let i = 0; i < 20; i++) expect(await call(gateways[i % lessees] as Gateway)).toBe(false)
    for (const gateway of gateways) await gateway.recover()
    expect(await standing(name)).toMatchObject({ balance: '0', pending: '0', sliced: '0', overrun: '0' })
    await expectSound()
  },
)

test('what the database holds for one call comes out of no slice, and a stop leaves nothing leased', async () => {
  const name = await workspace(1000n * one)
  const gateway = new Gateway(name)
  const [small, large] = [randomUUIDv7(), randomUUIDv7()]
  const sliced = await gateway.hold(small, one)
  const alone = await gateway.hold(large, 30n * one)
  expect([sliced.from, alone.from]).toEqual([expect.stringMatching(/^\d+$/), 'row'])
  // There are slices again, but what was begun by the database goes on there.
  await pay(name, 100_000n * one)
  await gateway.wallets.keep()
  expect(await alone.extend(5n * one)).toBe(true)
  expect(await standing(name)).toMatchObject({ pending: '35' })
  gateway.used(large, alone, 39n)
  alone.settle(39n * one)
  gateway.used(small, sliced, 1n)
  sliced.settle(one)
  await gateway.ship()
  await gateway.wallets.keep()
  await gateway.wallets.close()
  expect(await standing(name)).toMatchObject({ balance: '100960', pending: '0', sliced: '0', overrun: '4' })
  await expectSound()
})

test('more that the database holds too late stays with what is held, which is settled as a whole', async () => {
  const name = await workspace(100n * one)
  const gateway = new Gateway(name, 300)
  const request = randomUUIDv7()
  const held = await gateway.hold(request, 30n * one)
  expect(held.from).toBe('row')
  await eyes.query('begin')
  await eyes.query('select from accounts where workspace = $1 for update', [name])
  try {
    expect(await held.extend(5n * one)).toBe(false)
  } finally {
    await eyes.query('commit')
  }
  await expect.poll(async () => (await standing(name))?.pending).toBe('35')
  await gateway.wallets.keep()
  expect(await standing(name)).toMatchObject({ pending: '35' })
  gateway.used(request, held, 32n)
  held.settle(32n * one)
  await gateway.ship()
  expect(await standing(name)).toMatchObject({ balance: '68', pending: '0', sliced: '0', overrun: '0' })
  await gateway.wallets.close()
  await expectSound()
})

type Step =
  | { readonly type: 'call'; readonly at: number; readonly reserve: number; readonly use: number }
  | { readonly type: 'fail' | 'lose' | 'ship' | 'keep' | 'crash'; readonly at: number }

const at = fc.nat(2)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('call' as const),
      at,
      reserve: fc.integer({ min: 1, max: 9 }),
      use: fc.nat(12),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('fail', 'lose', 'ship', 'keep', 'crash'), at }) },
)

test('MB3, invariant 5: whatever happens between, everything adds up, and what is settled is what was rated', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 600 }),
      async (steps, balance) => {
        const name = await workspace(BigInt(balance) * one)
        const gateways = [new Gateway(name), new Gateway(name), new Gateway(name)]
        let rated = 0n
        let beyond = 0n
        for (const each of steps) {
          const gateway = gateways[each.at] as Gateway
          if (each.type === 'ship') await gateway.ship()
          else if (each.type === 'keep') await gateway.wallets.keep()
          else if (each.type === 'crash') await gateway.recover()
          else {
            const request = randomUUIDv7()
            const reserved = each.type === 'call' ? BigInt(each.reserve) : 1n
            try {
              const hold = await gateway.hold(request, reserved * one)
              if (each.type === 'fail') hold.void()
              // Its gateway will be gone before it ends.
              else if (each.type === 'call') {
                const used = BigInt(each.use)
                rated += used
                if (used > reserved) beyond += used - reserved
                gateway.used(request, hold, used)
                hold.settle(used * one)
              }
            } catch (error) {
              expect(error).toMatchObject({ reason: 'insufficient_quota' })
            }
          }
          await expectSound()
          const { overrun = '0', balance: left = '0' } = (await standing(name)) ?? {}
          expect(Number(left)).toBeGreaterThanOrEqual(-Number(overrun))
          expect(Number(overrun)).toBeLessThanOrEqual(Number(beyond))
        }
        for (const gateway of gateways) await gateway.recover()
        expect(await standing(name)).toMatchObject({
          balance: String(BigInt(balance) - rated),
          pending: '0',
          sliced: '0',
        })
        await expectSound()
      },
    ),
    { numRuns: 25 },
  )
}, 240_000)
