// The configuration file over a real database: one change each time, last good kept, and no request that fails.
import { hash, randomBytes, randomUUIDv7 } from 'node:crypto'
import { mkdtempSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, bootstrapDocuments, createApi, sha256 } from '@switchyard/api'
import { createClient } from '@switchyard/client'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { compileSnapshot, createGateway, emptySnapshot } from '@switchyard/gateway'
import { Fault } from '@switchyard/kinds'
import { invoicing } from '@switchyard/ledger'
import { systemClock, systemRandom } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConfigFileObservation, followConfigFile } from '../src/config-file.ts'
import { followSnapshot } from '../src/snapshot.ts'

let db: TestDatabase
let api: Api
let operator: string
const masterKey = randomBytes(32)
const environment = new Map([['OPENAI_KEY', 'sk-canary']])

beforeAll(async () => {
  db = await testDatabase()
  api = await createApi({
    store: db.store,
    secrets: db.secrets,
    prices: db.prices,
    keyUses: db.keyUses,
    vault: db.openVault([masterKey]),
    identity: db.identity,
    usage: db.usage,
    audit: db.audit,
    ledger: db.ledger,
    invoicing: invoicing({ ...db, now: Date.now, observe: () => {} }),
    issuer: 'http://switchyard.test',
    cursorKey: randomBytes(32),
    version: '0.0.0-test',
    now: Date.now,
    uuid: randomUUIDv7,
    random: randomBytes,
    chance: Math.random,
  })
  await api.ship(bootstrapDocuments())
  operator = await api.mintOperatorToken()
})
afterAll(async () => {
  await api.close()
  await db.close()
})

const folder = () => mkdtempSync(join(tmpdir(), 'switchyard-config-'))
const listening = async (server: Server): Promise<string> => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return `http://127.0.0.1:${address.port}`
}

/** A file of its own, and what is observed of it. */
function following(file: string) {
  const observed: ConfigFileObservation[] = []
  let noticed = Promise.withResolvers<ConfigFileObservation>()
  return {
    observed,
    next: () => noticed.promise,
    start: () =>
      followConfigFile({
        file,
        variable: name => environment.get(name),
        configure: api.configure,
        clock: systemClock,
        observe(observation) {
          observed.push(observation)
          noticed.resolve(observation)
          noticed = Promise.withResolvers()
        },
        pollMilliseconds: 50,
        settleMilliseconds: 5, // each file here is put in place whole
      }),
  }
}

/** As editors and orchestrators do: the whole file at once. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

const yaml = (name: string, more = '') => `apiVersion: switchyard.dev/v1
kind: Credential
metadata: { name: openai }
spec: { value: '\${ENV:OPENAI_KEY}' }
---
apiVersion: switchyard.dev/v1
kind: Provider
metadata: { name: openai }
spec: { type: openai, credential: openai }
---
apiVersion: switchyard.dev/v1
kind: Route
metadata: { name: chat }
spec:
  names: [${name}]
  tiers: [{ targets: [{ provider: openai }] }]
${more}`

const book = (price: string) => `---
apiVersion: switchyard.dev/v1
kind: PriceBook
metadata: { name: sale }
spec:
  side: sale
  currency: USD
  from: "2026-01-01T00:00:00Z"
  rates: [{ model: '*', unit: tok.in.*, price: ${price} }]
`

const names = async (workspace = 'default') =>
  (await db.store.read({ role: 'control' }, tx => tx.list({ kind: 'Route', workspace }))).items.flatMap(
    ({ spec }) => (spec as { names: string[] }).names, // a Route's
  )

test('a file is in force from the start, follows each change, and a bad one leaves the last good with every reason', async () => {
  const file = join(folder(), 'switchyard.yaml')
  writeFileSync(file, yaml('gpt'))
  const bed = following(file)
  await using config = await bed.start()
  expect(bed.observed).toMatchObject([{ type: 'config_applied', created: 3, deleted: 0 }])
  expect(await names()).toEqual(['gpt'])

  let next = bed.next()
  replace(file, yaml('gpt-next'))
  expect(await next).toMatchObject({ type: 'config_applied', configured: 1, unchanged: 2 })

  next = bed.next()
  replace(
    file,
    yaml('bad', 'retries: 3\n')
      .replace('provider: openai }', 'provider: opnai }')
      .replace('type: openai', 'typ: openai'),
  )
  const refused = await next
  expect(
    refused.type === 'config_failed' && refused.problems.map(line => line.replace(file, 'F').slice(0, 46)),
  ).toEqual([
    'F:9:1 spec.type: is required, one of openai, o',
    'F:9:9 spec.typ: there is no such field; did yo',
    'F:17:1 retries: there is no such field',
  ])
  expect(config.state).toMatchObject({ phase: 'refused', documents: 3 })
  expect(await names()).toEqual(['gpt-next'])

  // What only the server can see is told by its place too.
  next = bed.next()
  replace(file, yaml('bad').replace('provider: openai }', 'provider: opnai }'))
  expect(await next).toMatchObject({
    type: 'config_failed',
    problems: [
      `${file}:16:25 spec.tiers[0].targets[0].provider: there is no Provider opnai that may be used here`,
    ],
  })
  expect(await names()).toEqual(['gpt-next'])

  // A file that was cut off takes nothing away.
  next = bed.next()
  replace(file, '# nothing\n')
  expect(await next).toMatchObject({ type: 'config_failed', problems: [expect.stringContaining('write []')] })
  expect(await names()).toEqual(['gpt-next'])

  next = bed.next()
  replace(file, '[]')
  expect(await next).toMatchObject({ type: 'config_applied', deleted: 3 })
  expect(JSON.stringify([bed.observed, config.state])).not.toContain('canary')
})

test('a price book is in force from the file; one whose price is a number is named, and the last good one stays', async () => {
  const file = join(folder(), 'switchyard.yaml')
  const prices = async () =>
    (await db.store.read({ role: 'gateway' }, tx => tx.list({ kind: 'PriceBook' }))).items.flatMap(
      ({ spec }) => (spec as { rates: { price: string }[] }).rates.map(({ price }) => price), // a PriceBook's
    )
  writeFileSync(file, book('"2.50"'))
  const bed = following(file)
  await using _ = await bed.start()
  expect(await prices()).toEqual(['2.50'])
  let next = bed.next()
  replace(file, book('2.50'))
  expect(await next).toMatchObject({
    type: 'config_failed',
    problems: [
      `${file}:9:41 spec.rates[0].price: write it as text in quotes, such as "2.50": numbers lose digits`,
    ],
  })
  expect(await prices()).toEqual(['2.50'])
  next = bed.next()
  replace(file, '[]')
  expect(await next).toMatchObject({ type: 'config_applied', deleted: 1 })
  expect(await prices()).toEqual([])
})

test('a first start with a bad file is refused; one that was in force before starts with what stands', async () => {
  const file = join(folder(), 'switchyard.yaml')
  writeFileSync(file, yaml('gpt').replace(/'.+'/, 'sk-in-clear'))
  const refusal = await following(file)
    .start()
    .catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(Fault)
  expect(String(refusal)).toContain('4:9 spec.value: a secret of a Credential does not stand in the file')
  expect(await names()).toEqual([])

  writeFileSync(file, yaml('gpt'))
  await (await following(file).start())[Symbol.asyncDispose]()
  writeFileSync(file, 'kind: [')
  const bed = following(file)
  await using config = await bed.start()
  expect(config.state.phase).toBe('refused')
  expect(await names()).toEqual(['gpt'])
  const next = bed.next()
  replace(file, '[]')
  await next
})

test('a variable and a file that change are a change; a missing one is named', async () => {
  const place = folder()
  const file = join(place, 'switchyard.yaml')
  writeFileSync(join(place, 'key'), 'one\n')
  writeFileSync(file, yaml('gpt').replace('ENV:OPENAI_KEY', 'FILE:key'))
  const bed = following(file)
  await using _ = await bed.start()
  const values = async () =>
    [...(await db.openVault([masterKey]).read('Credential')).secrets.values()].map(one => one.reveal().value)
  expect(await values()).toEqual(['one'])
  let next = bed.next()
  writeFileSync(join(place, 'key'), 'two\n')
  expect(await next).toMatchObject({ type: 'config_applied', configured: 1 })
  expect(await values()).toEqual(['two'])
  next = bed.next()
  replace(file, yaml('gpt').replace('OPENAI_KEY', 'NO_SUCH'))
  expect(await next).toMatchObject({
    problems: [
      `${file}:4:9 spec.value: the environment variable NO_SUCH is not set: set it where the server runs`,
    ],
  })
  next = bed.next()
  replace(file, '[]')
  await next
})

test('200 swaps of the file under load: no request fails, and none sees two configurations', async ({
  signal,
}) => {
  const wrong: string[] = []
  let last = 0
  const upstream = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { model } = JSON.parse(Buffer.concat(chunks).toString()) as { model: string } // our own gateway sends it
      const version = request.url?.split('/')[1] ?? ''
      const key = request.headers.authorization
      if (model !== `m-${version}` || key !== `Bearer sk-${version}`)
        wrong.push(`${request.url} ${model} ${key}`)
      last = Math.max(last, Number(version))
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          id: 'x',
          object: 'chat.completion',
          created: 1,
          model,
          choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
        }),
      )
    })
  })
  const address = await listening(upstream)
  const version = (n: number) => `- apiVersion: switchyard.dev/v1
  kind: Credential
  metadata: { name: key }
  spec: { value: '\${ENV:KEY_${n}}' }
- apiVersion: switchyard.dev/v1
  kind: Provider
  metadata: { name: p${n % 3} }
  spec: { type: openai-compatible, baseUrl: ${address}/${n}/v1, credential: key, allowCidrs: [127.0.0.0/8] }
- apiVersion: switchyard.dev/v1
  kind: Route
  metadata: { name: chat }
  spec: { names: [chat, v${n}], tiers: [{ targets: [{ provider: p${n % 3}, model: m-${n} }] }] }
`
  for (let n = 0; n <= 200; n++) environment.set(`KEY_${n}`, `sk-${n}`)
  const file = join(folder(), 'switchyard.yaml')
  writeFileSync(file, version(0))
  const bed = following(file)
  await using _config = await bed.start()

  let snapshot = emptySnapshot
  const ending = new AbortController()
  const snapshots = await followSnapshot({
    store: db.store,
    secrets: db.secrets,
    prices: db.prices,
    vault: db.openVault([masterKey]),
    limits: undefined,
    swap: inputs => {
      snapshot = compileSnapshot(inputs)
    },
    observe: () => undefined,
    clock: systemClock,
    random: systemRandom,
    signal: ending.signal,
  })
  await using gateway = createGateway({
    snapshot: () => snapshot,
    journal: { full: false, append: () => Promise.resolve() },
    limiter: openMemoryLimiter({ clock: systemClock }),
    clock: Date.now,
    random: Math.random,
    uuid: randomUUIDv7,
    observe: () => undefined,
  })
  const server = createServer((request, response) =>
    request.url?.startsWith('/api/v1') ? api.handle(request, response) : gateway.handle(request, response),
  )
  const url = await listening(server)
  await using client = createClient({ url, token: () => operator })
  await client.create({ kind: 'ServiceAccount', metadata: { name: 'load', workspace: 'default' }, spec: {} })
  await client.create({
    kind: 'RoleAssignment',
    metadata: { name: 'load', workspace: 'default' },
    spec: { subject: { kind: 'ServiceAccount', name: 'load' }, role: 'platform/developer' },
  })
  const made = await client.create({
    kind: 'ApiKey',
    metadata: { name: 'load', workspace: 'default' },
    spec: { owner: { kind: 'ServiceAccount', name: 'load' } },
  })
  const { secret = '' } = made as { readonly secret?: string } // shown beside the document
  while (!snapshot.keys.has(hash('sha256', secret, 'hex'))) await db.store.wake(50, ending.signal)
  expect(sha256(secret)).toBe(hash('sha256', secret, 'hex'))

  const statuses = new Map<number, number>()
  const loading = new AbortController()
  // Also when something fails, or the test takes too long.
  using _loading = { [Symbol.dispose]: () => loading.abort() }
  const load = async () => {
    while (!loading.signal.aborted && !signal.aborted) {
      const answer = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: '{"model":"chat","messages":[{"role":"user","content":"hi"}]}',
      })
      const text = await answer.text()
      if (answer.status !== 200) wrong.push(text)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      await systemClock.sleep(10) // so many a second, and not what the machine can
    }
  }
  const loads = Array.from({ length: 3 }, load)
  for (let n = 1; n <= 200; n++) {
    const next = bed.next()
    replace(file, version(n))
    expect(await next).toMatchObject({ type: 'config_applied' })
  }
  while (last < 200 && wrong.length === 0 && !signal.aborted) await db.store.wake(20, ending.signal)
  loading.abort()
  await Promise.all(loads)
  ending.abort()
  await snapshots.done
  for (const one of [server, upstream]) {
    one.closeAllConnections()
    await new Promise<void>(resolve => one.close(() => resolve()))
  }
  expect(wrong).toEqual([])
  expect([...statuses.keys()]).toEqual([200])
  expect(statuses.get(200)).toBeGreaterThan(200)
}, 120_000)
