import { apiVersion } from '@switchyard/kinds'
import type { LogLine, UsageEvent } from '@switchyard/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { usageEvent } from '../../store/test/usage-event.ts'
import {
  endpointDocument,
  expectStatus,
  type Harness,
  type Person,
  start,
  workspaceDocument,
} from './harness.ts'

let h: Harness
let biller: Person
beforeAll(async () => {
  h = await start({ logs: fakeLogs, watch: { pollMilliseconds: 100 } })
  for (const name of ['red', 'blue'])
    expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument(name) }), 201)
  biller = await h.person('bill', { red: ['billing'] })
})
afterAll(() => h[Symbol.asyncDispose]())

/** Two lines of each replica, then silence until the reader goes. */
async function* fakeLogs(
  ref: { readonly replica: string },
  ask: { readonly tail: number; readonly follow: boolean },
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  yield { at: '2026-01-01T00:00:00.000Z', text: `first of ${ref.replica}` }
  yield { text: `tail ${ask.tail}` }
  if (ask.follow)
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function used(id: string, workspace: string, keyName: string, input: string, output: string): UsageEvent {
  return {
    specversion: '1.0',
    type: 'switchyard.usage.v1',
    source: '/gateway',
    id: `01890a5d-ac96-774b-bcce-${id}:0:0`,
    subject: `${workspace}/-`,
    time: new Date().toISOString(),
    data: {
      workspace,
      project: null,
      key: 'abcdefghijkl',
      keyName,
      model: 'tiny',
      endpoint: 'tiny',
      upstream: '127.0.0.1:1',
      request: `01890a5d-ac96-774b-bcce-${id}`,
      operation: 'chat',
      billable: 'caller',
      streamed: false,
      end: 'done',
      status: 200,
      endedAt: new Date().toISOString(),
      usageSource: 'engine',
      quantities: { 'tok.in.uncached': input, 'tok.out.text': output },
      flags: [],
    },
  }
}

describe('usage', () => {
  test('is summed by key and model as decimal strings, of what the caller may read alone', async () => {
    await h.database.usage.ingest([
      used('000000000001', 'red', 'k1', '10', '5'),
      used('000000000002', 'red', 'k1', '9007199254740993', '1'),
      used('000000000003', 'red', 'k2', '1', '1'),
      used('000000000004', 'blue', 'k3', '100', '100'),
    ])
    const rows = async (query: string, token: string) =>
      (await h.call('GET', `/api/v1/usage?${query}`, { token })).body.items as unknown as readonly {
        group: Record<string, string>
        requests: string
        tokens: { input: string; output: string }
      }[]
    const mine = await rows('by=key,model', biller.token)
    expect(
      mine.map(({ group, requests, tokens }) => [
        group.key,
        group.model,
        requests,
        tokens.input,
        tokens.output,
      ]),
    ).toEqual(
      expect.arrayContaining([
        ['k1', 'tiny', '2', '9007199254741003', '6'],
        ['k2', 'tiny', '1', '1', '1'],
      ]),
    )
    expect(mine.length).toBe(2)
    expect((await rows('by=workspace', h.operator)).length).toBe(2)
    expect((await rows('key=k2', biller.token))[0]?.requests).toBe('1')
    expect((await h.call('GET', '/api/v1/usage?workspace=blue', { token: biller.token })).status).toBe(404)
    expect((await h.call('GET', '/api/v1/usage?by=colour')).status).toBe(400)
  })
})

describe('logs', () => {
  const path = '/api/v1/workspaces/red/endpoints/e/logs'
  beforeAll(async () => {
    const made = expectStatus(
      await h.call('POST', '/api/v1/workspaces/red/endpoints', { body: endpointDocument('e') }),
      201,
    )
    await h.database.store.write({ role: 'control' }, tx =>
      tx.insert(
        {
          apiVersion,
          kind: 'Replica',
          metadata: {
            ...made.body.metadata,
            id: '01890a5d-ac96-774b-bcce-b302099a8057',
            name: 'e-0',
            finalizers: [],
            labels: {},
            annotations: {},
          },
          spec: { endpoint: 'e', revision: 1, ordinal: 0, cluster: 'platform/local' },
          status: {},
        },
        [{ path: 'spec.endpoint', id: made.body.metadata.id }],
      ),
    )
  })
  test('come as text, or as NDJSON that names the replica', async () => {
    const text = expectStatus(await h.call('GET', `${path}?tail=3`), 200)
    expect(text.text).toBe('2026-01-01T00:00:00.000Z first of 01890a5d-ac96-774b-bcce-b302099a8057\ntail 3\n')
    const response = await fetch(`${h.url}${path}`, {
      headers: { authorization: `Bearer ${h.operator}`, accept: 'application/x-ndjson' },
    })
    expect(
      (await response.text())
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line) as object),
    ).toMatchObject([{ replica: 'e-0' }, { replica: 'e-0', text: 'tail 200' }])
  })
  test('need endpoint:logs, an endpoint and a replica that are there', async () => {
    expect((await h.call('GET', path, { token: biller.token })).status).toBe(403)
    expect((await h.call('GET', path.replace('/e/', '/f/'))).status).toBe(404)
    expect((await h.call('GET', `${path}?replica=e-9`)).status).toBe(404)
  })
  test('that are followed end when their caller signs out', async () => {
    const dev = await h.person('dev', { red: ['developer'] })
    const response = await fetch(`${h.url}${path}?follow=true`, {
      headers: { authorization: `Bearer ${dev.token}` },
    })
    const ended = response.text()
    await h.call('DELETE', '/api/v1/sessions', { token: dev.token })
    expect(await ended).toContain('tail 200')
  })
})

test('every status of a refusal is described', async () => {
  const { httpStatus } = await import('@switchyard/kinds')
  const document = JSON.parse((await h.call('GET', '/api/v1/openapi.json')).text) as {
    paths: Record<string, Record<string, { responses: object }>>
  }
  const described = Object.keys(document.paths['/api/v1/whoami']!.get!.responses)
  expect(described).toEqual(expect.arrayContaining(Object.values(httpStatus).map(String)))
})

describe('traffic', () => {
  const hour = 3_600_000
  const to = Math.floor(Date.now() / hour) * hour + hour
  const span = `from=${new Date(to - 24 * hour).toISOString()}&to=${new Date(to).toISOString()}`

  test('is told step by step to whoever may read usage there, and for no longer a time than it bears', async () => {
    const first = usageEvent('green')
    await h.database.usage.ingest([first, usageEvent('green', { status: 503, end: 'upstream_error' })])
    const told = expectStatus(await h.call('GET', `/api/v1/traffic?${span}&workspace=green`), 200).body
    expect(told).toMatchObject({
      kind: 'Traffic',
      step: 3600,
      total: { requests: '2', errors: { client: '0', server: '1', gone: '0' }, seconds: { p50: 0, p95: 0 } },
    })
    const theirs = `/api/v1/traffic?${span}&workspace=green`
    expect((await h.call('GET', theirs, { token: biller.token })).status).toBe(404)
    const all = expectStatus(await h.call('GET', `/api/v1/traffic?${span}`, { token: biller.token }), 200)
    expect(JSON.stringify(all.body.items)).not.toContain('"server":"1"')
    expect((await h.call('GET', `/api/v1/traffic?${span}&step=60`)).status).toBe(400)
    expect((await h.call('GET', '/api/v1/traffic')).status).toBe(400)
  })
})
