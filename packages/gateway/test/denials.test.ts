// Refusals of the gateway on their way into the trail.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shipUsage } from '@switchyard/ledger'
import type { UsageStore } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'
import { testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Bed, document, newKey } from './bed.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string
beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  bed.endpoint('tiny', [engine.address])
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

const denied = () => bed.journal.denied

describe('the trail is told of', () => {
  test('a key that is not known, with where it came from', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c'
    const answer = await bed.chat(
      newKey().secret,
      {},
      {
        headers: { 'user-agent': 'probe/1\u00a0x', traceparent: `00-${trace}-b7ad6b7169203331-01` },
      },
    )
    expect(answer.status).toBe(401)
    expect(denied()).toEqual([
      expect.objectContaining({
        workspace: null,
        action: 'inference.call',
        actor: 'system:unknown',
        method: 'none',
        code: 'unauthenticated',
        reason: 'invalid_api_key',
        address: '127.0.0.1',
        agent: 'probe/1x',
        request: answer.headers.get('request-id'),
        trace,
      }),
    ])
  })

  test.each([
    ['a revoked key', { disabled: true }, 401, 'invalid_api_key', undefined],
    ['an expired key', { expiresAt: '2026-01-01T00:00:01Z' }, 401, 'expired_api_key', undefined],
    ['a key without the right', { scopes: ['usage:read'] }, 403, 'scope', undefined],
    ['a model that the key may not call', { models: ['other'] }, 403, 'model_not_allowed', 'tiny'],
    ['an address that is not let in', { addresses: { deny: ['127.0.0.0/8'] } }, 403, 'ip_denied', undefined],
  ])('%s', async (_, spec, status, reason, model) => {
    const refused = bed.key({ spec })
    expect((await bed.chat(refused)).status).toBe(status)
    expect(denied()).toHaveLength(1)
    expect(denied()[0]).toMatchObject({ reason, action: 'inference.call', rule: 'inference:call' })
    expect(denied()[0]?.resource).toEqual(model === undefined ? undefined : { kind: 'Route', name: model })
    if (model !== undefined || reason === 'ip_denied')
      expect(denied()[0]).toMatchObject({ workspace: 'default', actor: 'user:ada', method: 'key' })
  })

  test('a route that is not open to the key, though the caller reads that it does not exist', async () => {
    bed.route('closed', { tiers: [{ targets: [{ endpoint: 'tiny' }] }], access: { keys: ['key-99'] } })
    expect((await bed.chat(key, { model: 'closed' })).status).toBe(404)
    expect(denied()).toEqual([expect.objectContaining({ code: 'denied', reason: 'route_not_open' })])
    expect((await bed.chat(key, { model: 'nothing' })).status).toBe(404)
    expect(denied()).toHaveLength(1)
  })

  test('what a guardrail refuses', async () => {
    bed.add(
      document('Guardrail', 'default', 'rule', {
        stage: 'both',
        action: 'block',
        onFailure: 'closed',
        share: 'all',
        kind: 'keyword',
        words: ['sesame'],
      }),
    )
    bed.route('guarded', { tiers: [{ targets: [{ endpoint: 'tiny' }] }], guardrails: ['rule'] })
    const messages = [{ role: 'user', content: 'open sesame' }]
    expect((await bed.chat(key, { model: 'guarded', messages })).status).toBe(400)
    expect(denied()).toEqual([expect.objectContaining({ reason: 'content_filter', code: 'invalid' })])
  })

  test('nothing else: what is answered, what is badly asked, and limits, which are counted', async () => {
    const limited = bed.key({ spec: { limits: { requests: { perMinute: 1, burst: 1 } } } })
    expect((await bed.chat(limited, { model: 7 })).status).toBe(400)
    expect((await bed.chat(limited)).status).toBe(200)
    expect((await bed.chat(limited)).status).toBe(429)
    expect(denied()).toEqual([])
  })
})

describe('a flood of wrong keys', () => {
  test('is told whole twenty times, and the rest as one with a count when its minute is over', async () => {
    for (let i = 0; i < 50; i++) expect((await bed.chat(newKey().secret)).status).toBe(401)
    expect(denied()).toHaveLength(20)
    await bed.gateway.close()
    expect(denied()).toHaveLength(21)
    expect(denied()[20]).toMatchObject({ count: 30, address: '127.0.0.1' })
  })

  test('is refused all the same while the journal takes nothing, and told later', async () => {
    bed.journal.failing = true
    expect((await bed.chat('sk-nothing')).status).toBe(401)
    expect(denied()).toEqual([])
    expect(bed.observed).toContainEqual(expect.objectContaining({ type: 'denial_not_told', count: 1 }))
    bed.journal.failing = false
    await bed.gateway.close()
    expect(denied()).toHaveLength(1)
  })

  test('leaves the room of the journal to usage', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'denials-'))
    await using journal = await openJournal({
      folder,
      clock: Date.now,
      observe: () => undefined,
      segmentBytes: 10_000,
      maxBytes: 40_000,
    })
    const one = {
      id: 'x',
      at: 0,
      workspace: null,
      action: 'a.b',
      rule: 'a:b',
      actor: 'system:unknown',
    } as const
    const refused = { ...one, method: 'none', code: 'denied', reason: 'r'.repeat(500) } as const
    let told = 0
    for (let i = 0; i < 200; i++)
      await journal.append({ kind: 'denied', denied: refused }).then(
        () => told++,
        () => undefined,
      )
    const sizes = await Promise.all(
      (await readdir(folder)).map(async name => (await stat(join(folder, name))).size),
    )
    expect(told).toBeGreaterThan(20)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(22_000)
    expect(journal.full).toBe(false)
    await rm(folder, { recursive: true })
  })
})

async function startGateway(folder: string): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(join(import.meta.dirname, 'crash.child.ts'), [], { execArgv: [] })
  const { documents, keyHashes, grants } = bed
  child.send({ folder, inputs: { documents, keyHashes, grants } })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }] // what the child sends
  return { child, url: `http://127.0.0.1:${port}/v1/chat/completions` }
}

test('a refusal that was answered is in the trail after kill -9, once, however often it is shipped', async () => {
  await using database = await testDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'denials-'))
  const requests: (string | null)[] = []
  for (let round = 0; round < 2; round++) {
    const { child, url } = await startGateway(folder)
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${newKey().secret}`, 'content-type': 'application/json' },
      body: '{}',
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(answer.status).toBe(401)
    requests.push(answer.headers.get('request-id'))
  }
  let shipped = 0
  const ship = async (denied: UsageStore['denied']) => {
    await using journal = await openJournal({
      folder: join(folder, 'journal'),
      clock: Date.now,
      observe: () => undefined,
    })
    const stop = new AbortController()
    const shipping = shipUsage({
      reader: journal.reader,
      store: { ingest: database.usage.ingest, denied },
      clock: Date.now,
      random: () => 0,
      observe: () => undefined,
      backoffMilliseconds: 10,
      signal: stop.signal,
    })
    await vi.waitFor(() => expect(shipped).toBeGreaterThanOrEqual(2))
    await vi.waitFor(() => expect(journal.drained).toBe(true), 5000)
    stop.abort()
    await shipping
  }
  await ship(async denials => {
    // The store commits, and its answer is lost.
    await database.usage.denied(denials)
    shipped += denials.length
    if (shipped < 6) throw new Error('connection reset after the commit')
  })
  await using client = Object.assign(new Client({ connectionString: database.url }), {
    [Symbol.asyncDispose]: () => client.end(),
  })
  await client.connect()
  const { rows } = await client.query<{ entry: { origin: { request: string }; outcome: string } }>(
    "select entry from switchyard.audit_pending where entry ->> 'action' = 'inference.call' order by n",
  )
  expect(rows.map(({ entry }) => entry.origin.request)).toEqual(requests)
  expect(rows[0]?.entry).toMatchObject({
    outcome: 'denied',
    code: 'unauthenticated',
    workspace: null,
    actor: { id: 'system:unknown', type: 'system', name: 'unknown', method: 'none' },
    origin: { ip: '127.0.0.1' },
  })
  await rm(folder, { recursive: true })
})
