// Price books from draft to version: what is published stays as it was, and nothing contradicts it.
import { createHash } from 'node:crypto'
import { canonical } from '@switchyard/ledger'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectStatus, type Harness, start } from './harness.ts'

let h: Harness
beforeAll(async () => {
  h = await start()
})
afterAll(() => h?.[Symbol.asyncDispose]())

const books = '/api/v1/pricebooks'
const day = 86_400_000
const ahead = (days: number) => new Date(Date.now() + days * day).toISOString()
const rate = (model: string, price = '1', more: object = {}) => ({ model, unit: 'tok.in.*', price, ...more })
const body = (name: string, spec: object) => ({
  metadata: { name },
  spec: { side: 'sale', currency: 'USD', from: ahead(1), ...spec },
})
const create = (name: string, spec: object, token = h.operator) =>
  h.call('POST', books, { body: body(name, spec), token })
const patch = (name: string, spec: object, token = h.operator) =>
  h.call('PATCH', `${books}/${name}`, { body: { spec }, token })
const publish = (name: string, token = h.operator) =>
  h.call('POST', `${books}/${name}/actions/publish`, { body: {}, token })
const versions = async (name: string) =>
  expectStatus(await h.call('GET', `${books}/${name}/versions`), 200).body.items as unknown as readonly {
    version: number
    sha256: string
    holds: { from: string; to?: string } | null
    spec: object
  }[]
const held = async () =>
  (await h.database.prices.versions({ role: 'gateway' })).flatMap(({ name, version, rates }) =>
    rates.length > 0 ? `${name}/${version}` : [],
  )

describe('a price book', () => {
  test('MB2: on request is a draft until it is published, and a change of it is one again', async () => {
    const made = expectStatus(await create('draft', { publish: 'on_request', rates: [rate('draft')] }), 201)
    expect(made.body.status).toEqual({ phase: 'Draft' })
    expect(await held()).not.toContain('draft/1')
    const first = expectStatus(await publish('draft'), 200).body
    expect(first.status).toMatchObject({
      phase: 'Published',
      version: 1,
      publishedBy: 'system:operator',
      publishedGeneration: 1,
    })
    expect(await held()).toContain('draft/1')
    expect(
      expectStatus(await patch('draft', { rates: [rate('draft', '2')], from: ahead(2) }), 200).body.status,
    ).toMatchObject({ phase: 'Changed', version: 1 })
    // What does not change the book makes no version.
    expectStatus(await publish('draft'), 200)
    expect(expectStatus(await publish('draft'), 200).body.status).toMatchObject({ version: 2 })
    expect((await versions('draft')).map(({ version }) => version)).toEqual([1, 2])
  })

  test('MB2: is known by the SHA-256 of its canonical form, and a version ends when the next one begins', async () => {
    const [from, next] = [ahead(1), ahead(30)]
    expectStatus(await create('series', { from, rates: [rate('series', '1.50')] }), 201)
    expectStatus(await patch('series', { from: next, rates: [rate('series', '2')] }), 200)
    const [one, two] = await versions('series')
    expect(one?.holds).toEqual({ from, to: next })
    expect(two?.holds).toEqual({ from: next })
    for (const version of [one, two])
      expect(version?.sha256).toBe(
        createHash('sha256')
          .update(canonical({ name: 'series', spec: version?.spec as never, version: version!.version }))
          .digest('hex'),
      )
    // Ending it early is a version too.
    const end = ahead(40)
    expectStatus(await patch('series', { to: end }), 200)
    expect((await versions('series')).map(({ holds }) => holds)).toEqual([
      { from, to: next },
      null,
      { from: next, to: end },
    ])
  })

  test('MB2: that overlaps another, ties with it or measures what it measures is refused with both rates named', async () => {
    expectStatus(
      await create('standing', {
        rates: [
          rate('clash'),
          { model: 'image', unit: 'img.out.count', price: '1', per: 1 },
          rate('tie', '1', { tier: 'batch' }),
        ],
      }),
      201,
    )
    const before = await held()
    for (const [its, message] of [
      [rate('clash'), 'has the model and unit of rates[0] of PriceBook standing, version 1: keep one'],
      [
        { model: 'image', unit: 'img.out.px', price: '1', per: 1 },
        'measures the same as img.out.count of rates[1] of PriceBook standing, version 1: keep one',
      ],
      [
        rate('tie', '1', { region: 'eu' }),
        'is as exact as rates[2] of PriceBook standing, version 1, and some requests fit both: let one of them say more',
      ],
    ] as const) {
      const refused = expectStatus(await create('other', { rates: [rate('fine'), its] }), 400)
      expect(refused.body.error).toMatchObject({
        code: 'invalid',
        reason: 'overlap',
        details: [{ path: 'spec.rates[1]', message }],
      })
    }
    expect(await held()).toEqual(before)
    // In another currency, another time or of the other side it is none.
    const rates = [rate('clash')]
    expectStatus(await create('yuan', { currency: 'CNY', rates }), 201)
    expectStatus(await create('costs', { side: 'cost', rates }), 201)
    expectStatus(await patch('standing', { to: ahead(5) }), 200)
    expectStatus(await create('later', { from: ahead(5), rates }), 201)
  })

  test('MB2.18: two racing administrators cannot publish overlapping books', async () => {
    for (let round = 0; round < 5; round++) {
      const replies = await Promise.all(
        ['left', 'right', 'middle'].map(side =>
          create(`${side}-${round}`, { rates: [rate(`race-${round}`)] }),
        ),
      )
      expect(replies.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
        201, 400, 400,
      ])
      const published = await h.database.prices.versions({ role: 'gateway' })
      expect(published.filter(({ name }) => name.endsWith(`-${round}`))).toHaveLength(1)
    }
  })

  test('MB2: begins in the past, or reprices it, only by those who may backdate', async () => {
    const role = {
      metadata: { name: 'pricer' },
      spec: { permissions: ['price_book:*', 'workspace:read'] },
    }
    expectStatus(await h.call('POST', '/api/v1/roles', { body: role }), 201)
    const { token } = await h.person('pat', { platform: ['pricer'] })
    const refused = expectStatus(await create('past', { from: ahead(-1), rates: [rate('past')] }, token), 400)
    expect(refused.body.error).toMatchObject({ code: 'invalid', reason: 'backdated' })
    expectStatus(await create('past', { from: ahead(-1), rates: [rate('past')] }), 201)
    expectStatus(await patch('past', { rates: [rate('past', '2')] }, token), 400)
    // To end it later than now changes nothing that has been.
    expectStatus(await patch('past', { to: ahead(1) }, token), 200)
    expectStatus(await patch('past', { to: ahead(-0.5) }, token), 400)
    expectStatus(await patch('past', { from: ahead(1), to: null, rates: [rate('past', '2')] }, token), 200)
    expect((await versions('past')).map(({ holds }) => holds !== null)).toEqual([false, true, true])
  })

  test('MB2: is published by those who may, and read by those who may', async () => {
    const role = {
      metadata: { name: 'drafter' },
      spec: { permissions: ['price_book:create', 'price_book:read', 'price_book:update'] },
    }
    expectStatus(await h.call('POST', '/api/v1/roles', { body: role }), 201)
    const drafter = await h.person('dora', { platform: ['drafter'] })
    const rates = [rate('dora')]
    expectStatus(await create('dora', { rates }, drafter.token), 403)
    expectStatus(await create('dora', { publish: 'on_request', rates }, drafter.token), 201)
    expectStatus(await publish('dora', drafter.token), 403)
    expectStatus(await publish('dora'), 200)
    const stranger = await h.person('stan', { default: ['developer'] })
    expectStatus(await h.call('GET', `${books}/dora/versions`, { token: stranger.token }), 403)
    expectStatus(await h.call('GET', `${books}/dora/versions`, { token: drafter.token }), 200)
    expectStatus(await h.call('GET', `${books}/none/versions`), 404)
  })

  test('MB2: holds no longer once its document is deleted, and what it was stays to be read', async () => {
    expectStatus(await create('gone', { from: ahead(-1), rates: [rate('gone')] }), 201)
    expectStatus(await h.call('DELETE', `${books}/gone`), 200)
    const [version] = await versions('gone')
    expect(Date.parse(version?.holds?.to ?? '')).toBeLessThanOrEqual(Date.now())
    expectStatus(await create('gone', { rates: [rate('gone')] }), 201)
    expect((await versions('gone')).map(one => one.version)).toEqual([1, 2])
  })
})
