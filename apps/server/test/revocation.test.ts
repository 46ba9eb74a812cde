// What is taken away is gone within a second, at three gateway processes, for new calls and for streams that are open.
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ScriptedUpstream } from '../../../packages/gateway/test/upstream.ts'
import { connection, startYard, type Yard } from './yard.ts'

const workers = 3
/** Of each kind, open and kept: shared out, they reach every worker. */
const connections = 6
const rounds = 3

let db: TestDatabase
let yard: Yard
let engine: ScriptedUpstream
beforeAll(async () => {
  db = await testDatabase()
  engine = await ScriptedUpstream.start()
  yard = await startYard(db, { SWITCHYARD_WORKERS: String(workers), SWITCHYARD_DRAIN_SECONDS: '2' })
  const provider = {
    type: 'deepseek',
    baseUrl: engine.url('slow events', '/v1'),
    allowCidrs: ['127.0.0.0/8'],
    models: [{ name: 'endless' }],
  }
  await make('Provider', 'endless', provider)
  const tiers = [{ targets: [{ provider: 'endless', model: 'endless' }] }]
  await make('Route', 'endless', { names: ['endless'], tiers })
})
afterAll(async () => {
  await yard?.[Symbol.asyncDispose]()
  await engine?.[Symbol.asyncDispose]()
  await db?.close()
})

const at = (name: string) => ({ workspace: 'default', name })
const make = (kind: string, name: string, spec: object) => yard.api.create({ kind, metadata: at(name), spec })

interface Holder {
  readonly key: string
  readonly name: string
}

/** A key with an owner of its own, who may call. */
async function holder(kind: 'User' | 'ServiceAccount', name: string): Promise<Holder> {
  const spec = kind === 'User' ? { email: `${name}@example.org` } : {}
  const workspace = kind === 'User' ? null : 'default'
  await yard.api.create({ kind, metadata: { name, workspace }, spec })
  await make('RoleAssignment', name, { subject: { kind, name }, role: 'platform/developer' })
  return { name, key: await yard.newKey(name, { owner: { kind, name } }) }
}

const off = { spec: { disabled: true } }
const causes: readonly [string, 'User' | 'ServiceAccount', (name: string) => Promise<unknown>][] = [
  ['a key is disabled', 'ServiceAccount', name => yard.api.patch('ApiKey', at(name), off)],
  ['a key is deleted', 'ServiceAccount', name => yard.api.delete('ApiKey', at(name))],
  ['a key is rotated', 'ServiceAccount', name => yard.api.action('ApiKey', at(name), 'rotate', {})],
  ['its user is disabled', 'User', name => yard.api.patch('User', { workspace: null, name }, off)],
  [
    'its service account is disabled',
    'ServiceAccount',
    name => yard.api.patch('ServiceAccount', at(name), off),
  ],
  [
    'the role of its owner is taken away',
    'ServiceAccount',
    name => yard.api.delete('RoleAssignment', at(name)),
  ],
]

/** Milliseconds, of each connection. */
const refused: number[] = []
const ended: number[] = []

async function revoke({ key, name }: Holder, act: (name: string) => Promise<unknown>): Promise<void> {
  const asking = Array.from({ length: connections }, connection)
  const streaming = Array.from({ length: connections }, connection)
  await vi.waitFor(
    async () => {
      for (const agent of asking) expect((await yard.ask(agent, '/v1/models', key)).status).toBe(200)
    },
    { timeout: 20_000, interval: 20 },
  )
  const begun = streaming.map(() => Promise.withResolvers<void>())
  const streams = streaming.map(async (agent, i) => {
    const { text } = await yard.chat(agent, key, { model: 'endless', stream: true }, begun[i]?.resolve)
    return { text, at: performance.now() }
  })
  await Promise.all(begun.map(({ promise }) => promise))
  await act(name)
  const told = performance.now()
  const asked = asking.map(async agent => {
    for (;;) {
      const { status } = await yard.ask(agent, '/v1/models', key)
      if (status === 401 || status === 403) return performance.now() - told
      expect(status).toBe(200)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  })
  refused.push(...(await Promise.all(asked)))
  for (const { text, at } of await Promise.all(streams)) {
    ended.push(Math.max(0, at - told))
    // Ended with an error, not as if the answer were whole.
    expect(text).toMatch(/"error":/)
    expect(text).not.toContain('[DONE]')
  }
  for (const agent of [...asking, ...streaming]) agent.destroy()
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
const said = (values: readonly number[]) =>
  [0.5, 0.99, 1].map(share => Math.round(quantile(values, share))).join(' / ')

describe('CP5.28: at three gateways, within a second', () => {
  test.each(causes)(
    '%s: its calls are refused and its streams ended',
    { timeout: 60_000 },
    async (cause, kind, act) => {
      for (let round = 0; round < rounds; round++) {
        const name = `${cause.replaceAll(/[^a-z]+/g, '-')}-${round}`
        await revoke(await holder(kind, name), act)
      }
    },
  )

  test('the 99th percentile is below it', () => {
    expect(yard.workers().filter(({ state }) => state === 'ready')).toHaveLength(workers)
    console.info(
      `revocation at ${workers} gateways, ms after the revoker was answered, p50 / p99 / max: refused ${said(refused)} of ${refused.length}, streams ended ${said(ended)} of ${ended.length}`,
    )
    expect(quantile(refused, 0.99)).toBeLessThan(1000)
    expect(quantile(ended, 0.99)).toBeLessThan(1000)
  })
})
