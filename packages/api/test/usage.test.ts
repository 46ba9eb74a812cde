// Usage beyond its sums: what one request has cost and why, what waits in quarantine, and sums made anew.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { usageEvent } from '../../store/test/usage-event.ts'
import { expectStatus, type Harness, type Reply, start } from './harness.ts'

let h: Harness
let member: string
let payer: string
beforeAll(async () => {
  h = await start()
  const spec = { billing: { mode: 'postpaid', credit: '100' } }
  expectStatus(
    await h.call('POST', '/api/v1/workspaces', { body: { metadata: { name: 'payer' }, spec } }),
    201,
  )
  expectStatus(
    await book('sale', [rate('tok.in.uncached', '0.0375'), rate('tok.in.cache_read', '0.01')]),
    201,
  )
  expectStatus(await book('cost', [{ ...rate('tok.in.*', '0.001'), endpoint: 'default/tiny' }], 'cost'), 201)
  ;({ token: member } = await h.person('mia', { default: ['developer'] }))
  ;({ token: payer } = await h.person('pia', { payer: ['workspace-admin'] }))
})
afterAll(() => h?.[Symbol.asyncDispose]())

const rate = (unit: string, price: string) => ({ model: unit.endsWith('*') ? '*' : 'tiny', unit, price })
const book = (name: string, rates: readonly object[], side = 'sale') =>
  h.call('POST', '/api/v1/pricebooks', {
    body: { metadata: { name }, spec: { side, currency: 'USD', from: '2026-01-01T00:00:00Z', rates } },
  })
const outcomesOf = (reply: Reply) =>
  (expectStatus(reply, 200).body.items as unknown as readonly { outcome: string }[]).map(
    ({ outcome }) => outcome,
  )
const counted = { quantities: { 'tok.in.uncached': '512', 'tok.in.cache_read': '300' } }
const quarantine = (token = h.operator, query = '') =>
  h.call('GET', `/api/v1/usage/quarantine${query}`, { token })
const resolve = (how: string, body: object, token = h.operator) =>
  h.call('POST', `/api/v1/usage/quarantine/actions/${how}`, { body, token })

describe('usage', () => {
  test('MB6.41: explains a request by hand: each unit, its rate and book, the arithmetic to the last digit', async () => {
    const event = usageEvent('default', { ...counted, flags: ['x'] })
    await h.database.usage.ingest([event])
    const path = `/api/v1/workspaces/default/usage/${event.data.request}`
    const { events } = expectStatus(await h.call('GET', path), 200).body as unknown as {
      events: readonly { amount: string; cost: string | null; lines: readonly object[] }[]
    }
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ amount: '0.0000222', cost: '0.000000812', currency: 'USD' })
    const said = (side: string) => expect.objectContaining({ side, version: 1 }) as unknown
    expect(events[0]?.lines).toEqual([said('sale'), said('sale'), said('cost'), said('cost')])
    expect(events[0]?.lines).toMatchObject([
      { unit: 'tok.in.cache_read', arithmetic: '300 × 0.01 / 1000000 = 0.000003', book: 'sale', place: 1 },
      { unit: 'tok.in.uncached', arithmetic: '512 × 0.0375 / 1000000 = 0.0000192', book: 'sale', place: 0 },
      { side: 'cost', unit: 'tok.in.cache_read' },
      { side: 'cost', unit: 'tok.in.uncached' },
    ])
    // What it costs us is nothing that tenants see, in no view.
    const theirs = expectStatus(await h.call('GET', path, { token: member }), 200).text
    expect(theirs).not.toContain('0.000000812')
    const sums = expectStatus(await h.call('GET', '/api/v1/usage?by=model', { token: member }), 200).body
    expect(sums.items).toMatchObject([{ amounts: [{ currency: 'USD', amount: '0.0000222' }] }])
    expect(JSON.stringify(sums)).not.toContain('"cost"')
    expectStatus(await h.call('GET', path, { token: payer }), 404)
    expectStatus(await h.call('GET', '/api/v1/workspaces/payer/usage/nonsense', { token: payer }), 400)
  })

  test('MB6: views by upstream tell cost and margin to those who may read price books, and what is not known', async () => {
    const at = (upstream: string) => ({ ...counted, endpoint: '', provider: upstream, upstreamModel: 'tiny' })
    const cost = [{ ...rate('tok.in.*', '0.005'), provider: 'platform/east' }]
    expectStatus(await book('asked', cost, 'cost'), 201)
    await h.database.usage.ingest([
      usageEvent('default', at('platform/east')),
      usageEvent('default', { ...at('platform/east'), billable: 'cost' }),
      usageEvent('default', at('platform/west')),
    ])
    const path = '/api/v1/usage?workspace=default&by=upstream'
    const sums = expectStatus(await h.call('GET', path), 200).body.items as unknown as readonly object[]
    expect(sums).toMatchObject([
      { group: { upstream: 'platform/east' }, requests: '1', uncosted: '0' },
      { group: { upstream: 'platform/west' }, requests: '1', uncosted: '1' },
      { group: { upstream: 'tiny' }, uncosted: '0' },
    ])
    expect(sums).toMatchObject([
      { amounts: [{ amount: '0.0000222', cost: '0.00000812', margin: '0.00001408' }] },
      { amounts: [{ amount: '0.0000222', cost: null, margin: null }] },
      { amounts: [{ amount: '0.0000222', cost: '0.000000812', margin: '0.000021388' }] },
    ])
    const theirs = expectStatus(await h.call('GET', path, { token: member }), 200).text
    for (const word of ['cost', 'margin', 'uncosted']) expect(theirs).not.toContain(`"${word}"`)
    const one = await h.call('GET', `${path}&upstream=platform/east`)
    expect(expectStatus(one, 200).body.items).toHaveLength(1)
  })

  test('requests come page by page, with their cost for those who may read price books alone', async () => {
    const events = [usageEvent('default', counted), usageEvent('default', { ...counted, status: 503 })]
    await h.database.usage.ingest(events)
    const path = '/api/v1/usage/requests?workspace=default'
    const first = expectStatus(await h.call('GET', `${path}&limit=1`), 200).body
    const { next } = first as unknown as { next: string }
    const second = expectStatus(await h.call('GET', `${path}&limit=1&after=${next}`), 200).body
    const shown = [first, second].flatMap(({ items }) => items as unknown as readonly { request: string }[])
    expect(shown.map(({ request }) => request).toSorted()).toEqual(
      events.map(({ data }) => data.request).toSorted(),
    )
    expect(shown).toMatchObject([{ amount: '0.0000222', cost: '0.000000812' }, { currency: 'USD' }])
    const failed = `${path}&status=5xx&request=${events[1]?.data.request}`
    expect(expectStatus(await h.call('GET', failed), 200).body.items).toMatchObject([{ status: 503 }])
    const theirs = expectStatus(await h.call('GET', path, { token: member }), 200).text
    expect(theirs).toContain('"amount":"0.0000222"')
    expect(theirs).not.toContain('"cost"')
    expectStatus(await h.call('GET', path, { token: payer }), 404)
    expect(
      expectStatus(await h.call('GET', '/api/v1/usage/requests', { token: payer }), 200).body.items,
    ).toEqual([])
    expectStatus(await h.call('GET', `${path}&status=bad`), 400)
    expectStatus(await h.call('GET', `${path}&after=bad`), 400)
  })

  test('MB1: what waits in quarantine is taken once it can be, or discarded, by those who may', async () => {
    const unpriced = usageEvent('payer', { model: 'new', quantities: { 'tok.in.uncached': '1000000' } })
    const bad = { ...usageEvent('payer'), time: 'never' }
    await h.database.usage.ingest([unpriced, bad])
    const listed = expectStatus(await quarantine(payer), 200).body.items as unknown as readonly {
      number: string
      reason: string
      event: { id: string }
    }[]
    expect(listed.map(({ reason }) => reason).toSorted()).toEqual(['bad_schema', 'unpriced'])
    expect(expectStatus(await quarantine(member), 200).body.items).toEqual([])
    const [waits, hopeless] = ['unpriced', 'bad_schema'].map(
      reason => listed.find(one => one.reason === reason)!.number,
    )
    // Who is to pay does not say what is not charged.
    expectStatus(await resolve('discard', { numbers: [waits], reason: 'dear' }, payer), 403)
    const retry = async () =>
      expectStatus(await resolve('retry', { numbers: [waits, hopeless] }), 200).body.items
    expect(await retry()).toEqual([
      { number: waits, outcome: 'quarantined' },
      { number: hopeless, outcome: 'quarantined' },
    ])
    expectStatus(await book('new', [{ model: 'new', unit: 'tok.in.*', price: '2' }]), 201)
    expect(await retry()).toEqual([
      { number: waits, outcome: 'accepted' },
      { number: hopeless, outcome: 'quarantined' },
    ])
    expect(await retry()).toEqual([
      { number: waits, outcome: 'not_found' },
      { number: hopeless, outcome: 'quarantined' },
    ])
    const gone = await resolve('discard', { numbers: [hopeless], reason: 'sent by a test' })
    expect(expectStatus(gone, 200).body.items).toEqual([{ number: hopeless, outcome: 'discarded' }])
    expect(expectStatus(await quarantine(payer), 200).body.items).toEqual([])
    expect(expectStatus(await quarantine(payer, '?all=true'), 200).body.items).toHaveLength(2)
    const usage = await h.call('GET', '/api/v1/usage?by=model&workspace=payer', { token: payer })
    expect(expectStatus(usage, 200).body.items).toMatchObject([
      { group: { model: 'new' }, amounts: [{ amount: '2' }] },
    ])
  })

  test('MB1: meters outside push events with their tier, region and upstream; each is told what became of it', async () => {
    const push = (events: readonly object[], token = h.operator) =>
      h.call('POST', '/api/v1/usage/events', { body: { events }, token })
    const served = { tier: 'priority', region: 'eu-west-1', provider: 'platform/east', upstreamModel: 'tiny' }
    const event = { ...usageEvent('default', { ...counted, ...served } as never), source: '/meters/lab' }
    const bad = { ...usageEvent('default', { tier: 'gold' as never }), source: '/meters/lab' }
    const outcomes = async (response: ReturnType<typeof push>) =>
      (expectStatus(await response, 202).body.items as unknown as { outcome: string }[]).map(
        ({ outcome }) => outcome,
      )
    expect(await outcomes(push([event, bad]))).toEqual(['accepted', 'quarantined'])
    expect(await outcomes(push([event]))).toEqual(['duplicate'])
    const differs = { ...event, data: { ...event.data, status: 500 } }
    const refused = expectStatus(await push([differs]), 409).body
    expect(refused).toMatchObject({ error: { code: 'conflict', reason: 'event_differs' } })
    const next = { ...usageEvent('default', counted), source: '/meters/lab' }
    expect(expectStatus(await push([differs, next]), 202).body.items).toEqual([
      { id: event.id, outcome: 'quarantined', reason: 'conflict' },
      { id: next.id, outcome: 'accepted' },
    ])
    const path = `/api/v1/workspaces/default/usage/${event.data.request}`
    const { events } = expectStatus(await h.call('GET', path), 200).body as unknown as { events: object[] }
    expect(events).toMatchObject([
      { tier: 'priority', region: 'eu-west-1', provider: 'platform/east', upstream_model: 'tiny' },
    ])
    expectStatus(await push([event], member), 403)
    expectStatus(await push([{ ...event, source: '/gateway' }]), 400)
    expectStatus(await push([{ ...event, data: { ...event.data, hold: 'row' } }]), 400)
    expectStatus(await push([]), 400)
  })

  test('MB1: what is more than 35 days old is brought in by those who may backfill, in their workspaces, and rated', async () => {
    const role = {
      metadata: { name: 'meter' },
      spec: { permissions: ['usage:push', 'usage:quarantine', 'usage:read'] },
    }
    expectStatus(await h.call('POST', '/api/v1/roles', { body: role }), 201)
    const { token: meter } = await h.person('max', { platform: ['meter'] })
    const { token: filler } = await h.person('fil', { platform: ['meter'] })
    const grown = {
      metadata: { name: 'filler' },
      spec: { permissions: ['billing:backfill', 'usage:push'] },
    }
    expectStatus(await h.call('POST', '/api/v1/roles', { body: grown }), 201)
    const assignment = {
      metadata: { name: 'fil-fills' },
      spec: { subject: { kind: 'User', name: 'fil' }, role: 'platform/filler' },
    }
    expectStatus(
      await h.call('POST', '/api/v1/workspaces/default/roleassignments', { body: assignment }),
      201,
    )

    const long = Date.now() - 40 * 86_400_000
    const time = new Date(long).toISOString()
    const old = (workspace: string) => {
      const hex = long.toString(16).padStart(12, '0')
      const request = `${hex.slice(0, 8)}-${hex.slice(8)}${randomUUID().slice(13).replace('-4', '-7')}`
      const event = usageEvent(workspace, { ...counted, request, endedAt: time })
      return { ...event, id: `${request}:1:call`, time, source: '/meters/old' }
    }
    const push = async (events: readonly object[], token: string) =>
      expectStatus(await h.call('POST', '/api/v1/usage/events', { body: { events }, token }), 202).body.items
    const [ours, theirs] = [old('default'), old('payer')]
    const tooOld = { outcome: 'quarantined', reason: 'too_old' }
    expect(await push([ours, theirs], meter)).toMatchObject([tooOld, tooOld])
    // Each where they may: the other stays.
    const [first, second] = [old('default'), old('payer')]
    expect(await push([first, second], filler)).toMatchObject([{ outcome: 'accepted' }, tooOld])
    const open = expectStatus(await quarantine(h.operator, '?reason=too_old'), 200).body
      .items as unknown as readonly { number: string; event: { id: string } }[]
    const numberOf = (id: string) => open.find(({ event }) => event.id === id)?.number
    const numbers = [numberOf(ours.id), numberOf(theirs.id)]
    const retry = async (token: string) => outcomesOf(await resolve('retry', { numbers }, token))
    expect(await retry(meter)).toEqual(['quarantined', 'quarantined'])
    expect(await retry(filler)).toEqual(['accepted', 'quarantined'])
    expect(await retry(h.operator)).toEqual(['not_found', 'accepted'])
    const path = `/api/v1/workspaces/default/usage/${ours.data.request}`
    const { events } = expectStatus(await h.call('GET', path), 200).body as unknown as { events: object[] }
    expect(events).toMatchObject([{ amount: '0.0000222', currency: 'USD' }])
  })

  test('MB1: sums are compared with their events by those who may', async () => {
    const rebuild = (token: string) => h.call('POST', '/api/v1/usage/actions/rebuild', { body: {}, token })
    expectStatus(await rebuild(payer), 403)
    expect(expectStatus(await rebuild(h.operator), 200).body.items).toEqual([])
  })
})
