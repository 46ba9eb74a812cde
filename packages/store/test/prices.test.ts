// Published price books as rows: what stood before there were versions, and what no role may change.
import { createHash } from 'node:crypto'
import { compilePrices } from '@switchyard/ledger'
import { migrate } from '@switchyard/store'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { canonicalJson } from '../src/canonical.ts'
import { document, gateway, publish, put } from './given.ts'

let db: TestDatabase
let eyes: Client
beforeEach(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
})
afterEach(async () => {
  await eyes.end()
  await db.close()
})

const book = (from: string, rates: readonly object[], more: object = {}) => ({
  side: 'sale',
  currency: 'USD',
  from,
  ...more,
  rates,
})
const rate = (model: string, price: string) => ({
  model,
  unit: 'tok.in.*' as const,
  price,
  per: 1_000_000,
})

test('books of before there were versions hold on as they did, each as its first version', async () => {
  await migrate(db.url, 18)
  const specs = {
    old: book('2026-01-01T00:00:00Z', [rate('*', '9'), rate('模型-"é"', '1')]),
    spring: book('2026-03-01T00:00:00Z', [rate('*', '3')], { to: '2026-06-01T00:00:00Z' }),
    twin: book('2026-03-01T00:00:00Z', [rate('*', '4'), rate('t', '5')]),
  }
  for (const [name, spec] of Object.entries(specs))
    await put(db.store, document('PriceBook', null, name, spec))
  await migrate(db.url)
  const versions = await db.prices.versions(gateway)
  expect(versions.map(({ name, version, publishedBy }) => [name, version, publishedBy])).toEqual([
    ['old', 1, 'user:someone'],
    ['spring', 1, 'user:someone'],
    ['twin', 1, 'user:someone'],
  ])
  for (const { name, spec, version, sha256 } of versions)
    expect(sha256).toBe(createHash('sha256').update(canonicalJson({ name, spec, version })).digest('hex'))
  const prices = compilePrices(versions)
  const price = (model: string, moment: string) =>
    prices.sale(model, 'USD', Date.parse(moment))?.quote({ 'tok.in.uncached': 1_000_000n })
  expect([
    price('any', '2026-02-01T00:00:00Z'),
    price('any', '2026-04-01T00:00:00Z'),
    price('any', '2026-07-01T00:00:00Z'),
    price('t', '2026-04-01T00:00:00Z'),
    price('模型-"é"', '2026-04-01T00:00:00Z'),
  ]).toEqual(['9', '3', '4', '5', '1'])
  const [stored] = (await db.store.read(gateway, tx => tx.list({ kind: 'PriceBook' }))).items
  expect(stored?.status).toMatchObject({ phase: 'Published', version: 1, publishedGeneration: 1 })
})

test('nobody changes what was published, and a hold only gets shorter', async () => {
  await publish(db, 'b', [rate('*', '9')])
  for (const role of ['user', 'control', 'gateway', 'ingest']) {
    await eyes.query(`begin; set local role switchyard_${role}; select set_config('switchyard.principal',
      'system:operator', true), set_config('switchyard.scopes', '*', true)`)
    await expect(eyes.query("update price_books set spec = '{}'")).rejects.toMatchObject({ code: '42501' })
    await eyes.query('rollback')
    await eyes.query(`begin; set local role switchyard_${role}`)
    await expect(eyes.query('delete from price_rates')).rejects.toMatchObject({ code: '42501' })
    await eyes.query('rollback')
  }
  await expect(eyes.query("update price_rates set holds = '[2020-01-01,)'")).rejects.toMatchObject({
    code: 'SY409',
  })
})

test('a price for long contexts holds beside the one for all, and no second one for them', async () => {
  const long = { ...rate('*', '18'), context: { from: 200_000 } }
  await publish(db, 'a', [rate('*', '9'), long])
  await expect(publish(db, 'b', [long])).rejects.toMatchObject({ code: 'conflict', reason: 'overlap' })
  const prices = compilePrices(await db.prices.versions(gateway))
  const price = (tokens: bigint) =>
    prices.sale('any', 'USD', Date.parse('2026-02-01T00:00:00Z'))?.quote({ 'tok.in.uncached': tokens })
  expect([price(100_000n), price(200_000n)]).toEqual(['0.9', '3.6'])
})

test('MB2.18: rows that overlap are refused by the table itself', async () => {
  await publish(db, 'a', [rate('*', '9')])
  await expect(publish(db, 'b', [rate('*', '9')])).rejects.toMatchObject({
    code: 'conflict',
    reason: 'overlap',
  })
})
