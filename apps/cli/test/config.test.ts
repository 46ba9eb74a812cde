// `switchyard config` and `switchyard route explain`, over a real database and a gateway that reads it.
import { randomUUIDv7 } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigurationState } from '@switchyard/api'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { compileSnapshot, createGateway, emptySnapshot } from '@switchyard/gateway'
import { kinds } from '@switchyard/kinds'
import { systemClock } from '@switchyard/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, folder } from './harness.ts'
import { startYard, type Yard } from './yard.ts'

let yard: Yard
let state: ConfigurationState | undefined
let snapshot = emptySnapshot
const gateway = createGateway({
  snapshot: () => snapshot,
  journal: { full: false, append: () => Promise.resolve() },
  limiter: openMemoryLimiter({ clock: systemClock }),
  clock: Date.now,
  random: () => 0,
  uuid: randomUUIDv7,
  observe: () => undefined,
})
beforeAll(async () => {
  yard = await startYard({ explain: ask => gateway.explain(ask), configuration: () => state })
})
afterAll(async () => {
  await yard[Symbol.asyncDispose]()
  await gateway.close()
})

/** What the gateway knows now. */
async function swap(): Promise<void> {
  const { store, secrets } = yard.database
  const pages = await Promise.all(
    kinds.map(({ kind }) => store.read({ role: 'gateway' }, tx => tx.list({ kind }))),
  )
  snapshot = compileSnapshot({
    documents: pages.flatMap(({ items }) => items),
    keyHashes: await secrets.keyHashes(),
    grants: await secrets.allGrants(),
  })
}

function file(text: string): string {
  const path = join(folder(), 'switchyard.yaml')
  writeFileSync(path, text)
  return path
}

const provider = (name: string, spec = '{ type: openai }', more = '') => `---
apiVersion: switchyard.dev/v1
kind: Provider
metadata: { name: ${name}${more} }
spec: ${spec}
`
const route = (name: string, spec: string) => `---
apiVersion: switchyard.dev/v1
kind: Route
metadata: { name: ${name} }
spec: ${spec}
`
const book = (more: string, rates: string) => `---
apiVersion: switchyard.dev/v1
kind: PriceBook
metadata: { name: costs }
spec:
  side: cost
  currency: USD
  from: "2026-01-01T00:00:00Z"${more}
  rates:
${rates}`
const cheap = `    - { model: gpt-*, unit: tok.in.*, price: "1.25" }
`
const to = (target: string) => `tiers: [{ targets: [{ provider: ${target} }] }]`

/** The lines that tell of problems, without the file's name. */
async function problems(text: string, argv: readonly string[] = [], env = {}): Promise<readonly string[]> {
  const path = file(text)
  const { stdout } = await cli(['config', 'check', path, ...argv], { env })
  return stdout
    .split('\n')
    .filter(line => /^(error|warning)/.test(line))
    .map(line => line.replaceAll(path, 'F').replace(/\s+/g, ' '))
}

describe('config check, without a server', () => {
  test.each([
    ['a good file', provider('p') + route('r', `{ names: [a], ${to('p')} }`), []],
    ['a price book', provider('p') + book('', cheap), []],
    [
      'a price that is a number, and a provider without its place',
      book('', '    - { model: gpt-5, provider: p, unit: tok.in.*, price: 2.5 }\n'),
      [
        'error F:10:23 spec.rates[0].provider: use WORKSPACE/NAME, or platform/NAME for a platform document',
        'error F:10:52 spec.rates[0].price: write it as text in quotes, such as "2.50": numbers lose digits',
      ],
    ],
    [
      'a price book that ends before it begins and has a price twice',
      book('\n  to: "2025-01-01T00:00:00Z"', cheap + cheap),
      [
        'error F:9:3 spec.to: must be after from',
        'error F:12:7 spec.rates[1]: has the model and unit of rates[0]: keep one',
      ],
    ],
    [
      'a field and a value that are misspelled',
      provider('p', '{ type: openai, baseUlr: x }') +
        route('r', `{ names: [a], ${to('p')}, retires: { attempts: 2 } }`),
      [
        'error F:5:23 spec.baseUlr: there is no such field; did you mean baseUrl?',
        'error F:10:62 spec.retires: there is no such field; did you mean retries?',
      ],
    ],
    [
      'a reference that is misspelled, and one that must be there already',
      provider('east') +
        route('r', `{ names: [a], tiers: [{ targets: [{ provider: eest }, { endpoint: chat }] }] }`),
      [
        'warning F:10:43 spec.tiers[0].targets[0].provider: there is no Provider eest in this file; did you mean east?',
        'warning F:10:63 spec.tiers[0].targets[1].endpoint: Endpoint chat is not in this file, so it must be there already: look with --server',
      ],
    ],
    [
      'routes that take each other’s requests',
      provider('p') +
        route('one', `{ names: [a], priority: 5, ${to('p')} }`) +
        route('two', `{ names: [a, b], ${to('p')} }`) +
        route('three', `{ names: [b], ${to('p')} }`) +
        route('wild', `{ names: [gpt-*], priority: 9, ${to('p')} }`) +
        route('exact', `{ names: [gpt-5], ${to('p')} }`),
      [
        'warning F:15:17 spec.names[0]: no request reaches it by a: Route one of priority 5 takes every one',
        'error F:20:17 spec.names[0]: Route two already has the name b for the same requests: choose another name, or give one of them a match or another priority',
        'warning F:25:17 spec.names[0]: gpt-5 of Route exact wins over gpt-*, although its priority is lower: the longer name is looked at first',
      ],
    ],
    [
      'weights that do nothing',
      provider('p') +
        provider('q') +
        route('r', '{ names: [a], tiers: [{ targets: [{ provider: p }, { provider: q, weight: 0 }] }] }') +
        route(
          's',
          '{ names: [b], tiers: [{ strategy: latency, targets: [{ provider: p }, { provider: q, weight: 5 }] }] }',
        ),
      [
        'warning F:15:73 spec.tiers[0].targets[1].weight: gets no request while its weight is 0',
        'warning F:20:31 spec.tiers[0].strategy: latency does not look at weights: use weighted, or leave them out',
      ],
    ],
    [
      'routes that fall back to each other',
      provider('p') +
        route('a', `{ names: [a], ${to('p')}, fallback: { onContextLength: b } }`) +
        route('b', `{ names: [b], ${to('p')}, fallback: { onContextLength: a } }`),
      ['error F:10:74 spec.fallback.onContextLength: leads back here: a -> b -> a; take one of them out'],
    ],
    [
      'a platform document that is not shared',
      provider('p', '{ type: openai }', ', workspace: null') +
        route('r', `{ names: [a], ${to('platform/p')} }`),
      [
        'error F:10:43 spec.tiers[0].targets[0].provider: Provider platform/p is not shared with the workspace default: name it in its spec.share',
      ],
    ],
    [
      'a model that the provider does not list',
      provider('p', '{ type: openai, models: [{ name: gpt-5 }] }') +
        route('r', '{ names: [a], tiers: [{ targets: [{ provider: p, model: gpt-6 }] }] }'),
      [
        'warning F:10:56 spec.tiers[0].targets[0].model: Provider p does not list gpt-6, which is passed on as it is; did you mean gpt-5?',
      ],
    ],
    [
      'limits of money that are none, and one in a currency that nothing is sold in',
      `apiVersion: switchyard.dev/v1
kind: Project
metadata: { name: lab, workspace: default }
spec: { limits: { money: { currency: USD }, models: { gpt-5: { money: { perDay: 5, currency: EUR } } } } }
---
apiVersion: switchyard.dev/v1
kind: Project
metadata: { name: shop, workspace: default }
spec: { limits: { money: { perMonth: "5", currency: EUR, timezone: Europe/Berlin } } }
`,
      [
        'error F:4:19 spec.limits.money: set one of perHour, perDay, perWeek and perMonth, or several',
        'error F:4:73 spec.limits.models.gpt-5.money.perDay: write it as text in quotes, such as "2.50": numbers lose digits',
        'warning F:9:43 spec.limits.money.currency: no PriceBook of this file sells in EUR: without one requests are refused as unpriced, so it must be there already',
      ],
    ],
    [
      'YAML that is cut',
      'kind: [',
      ['error F:1:8: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
  ])('tells of %s', async (_, text, expected) => {
    expect(await problems(text)).toEqual(expected)
  })

  const secret = (value: string) => `apiVersion: switchyard.dev/v1
kind: Credential
metadata: { name: key }
spec: { value: ${value} }
`
  test('secrets are placeholders, and have a value where it looks', async () => {
    expect(await problems(secret('sk-clear'))).toEqual([
      `error F:4:9 spec.value: a secret of a Credential does not stand in the file: write \${ENV:NAME} or \${FILE:path}`,
    ])
    expect(await problems(secret(`"\${ENV:KEY}"`))).toEqual([
      'error F:4:9 spec.value: the environment variable KEY is not set: set it where the server runs',
    ])
    expect(await problems(secret(`"\${ENV:KEY}"`), [], { KEY: 'sk-1' })).toEqual([])
    expect(await problems(secret(`"\${ENV:KEY}"`), ['--without-values'])).toEqual([
      'warning F:4:9 spec.value: the environment variable KEY is not set: set it where the server runs',
    ])
    expect(await problems(secret(`"\${VAULT:KEY}"`))).toEqual([
      `error F:4:9 spec.value: \${VAULT:KEY} is no placeholder: write \${ENV:NAME} or \${FILE:path}, or $\${ for the text`,
      `error F:4:9 spec.value: a secret of a Credential does not stand in the file: write \${ENV:NAME} or \${FILE:path}`,
    ])
  })

  test('exits with 0 or 2, with 2 for warnings under --strict, and prints a table or JSON', async () => {
    const path = file(provider('p') + route('r', `{ names: [a], ${to('elsewhere')} }`))
    const ran = await cli(['config', 'check', path])
    expect([ran.status, ran.stdout.replaceAll(path, 'F')]).toEqual([
      0,
      `KIND      RIGHT  ERRORS  WARNINGS
Provider      1       -         -
Route         1       -         1

warning F:10:43 spec.tiers[0].targets[0].provider: Provider elsewhere is not in this file, so it must be there already: look with --server
ok: 2 documents, 1 warning
`,
    ])
    expect((await cli(['config', 'check', path, '--strict'])).status).toBe(2)
    const bad = await cli(['config', 'check', file(provider('p', '{}')), '-o', 'json'])
    expect(bad.status).toBe(2)
    expect(JSON.parse(bad.stdout)).toMatchObject({
      valid: false,
      documents: [],
      problems: [{ severity: 'error', kind: 'Provider', line: 5, path: 'spec.type' }],
    })
  })

  test('a long file shows its progress on a terminal', async () => {
    const text = Array.from({ length: 250 }, (_, n) => provider(`p${n}`)).join('')
    const ran = await cli(['config', 'check', file(text)], { tty: true })
    expect(ran.stderr).toContain('Checked 200 of 250 documents')
    expect(ran.stdout).toContain('ok')
  })
})

describe('with a server', () => {
  test('config check --server tells what would change, and what only the server can see', async () => {
    const good = file(provider('p', '{ type: openai }', ', workspace: team'))
    const ran = await yard.run(['config', 'check', good, '--server'])
    expect(ran.stdout).toContain('ok: 1 document; 1 would change')
    const bad = file(route('r', `{ names: [a], ${to('none')} }`))
    const refused = await yard.run(['config', 'check', bad, '--server'])
    expect([refused.status, refused.stdout]).toEqual([
      2,
      expect.stringContaining(
        ':5:43 spec.tiers[0].targets[0].provider: there is no Provider none that may be used here',
      ),
    ])
    await expect(yard.client.get('Provider', { workspace: 'team', name: 'p' })).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  test('config status tells what is in force, and why a newer file is not', async () => {
    expect((await yard.run(['config', 'status'])).stdout).toContain('follows no configuration file')
    const appliedAt = new Date().toISOString()
    state = {
      file: '/etc/switchyard.yaml',
      phase: 'refused',
      appliedAt,
      digest: 'abc',
      documents: 3,
      refusedAt: appliedAt,
      problems: ['/etc/switchyard.yaml:5:1 spec.x: wrong'],
    }
    const ran = await yard.run(['config', 'status'])
    expect([ran.status, ran.stdout]).toEqual([
      1,
      '/etc/switchyard.yaml refused\nIn force: abc, 3 documents, since 0s ago\nRefused 0s ago:\n  /etc/switchyard.yaml:5:1 spec.x: wrong\n',
    ])
  })

  test('route explain draws the tiers and tells the story', async () => {
    const place = { workspace: 'team' }
    for (const name of ['east', 'west'])
      await yard.client.create({
        kind: 'Provider',
        metadata: { name, ...place },
        spec: { type: 'ollama', baseUrl: 'https://example.org' },
      })
    const tiers = [
      { targets: [{ provider: 'east', weight: 300 }, { provider: 'west' }] },
      { targets: [{ provider: 'west' }] },
    ]
    await yard.client.create({
      kind: 'Route',
      metadata: { name: 'chat', ...place },
      spec: { names: ['chat'], tiers },
    })
    const spec = { names: ['chat'], priority: 1, match: { headers: { 'x-beta': 'yes' } }, tiers }
    await yard.client.create({ kind: 'Route', metadata: { name: 'beta', ...place }, spec })
    await swap()
    const ran = await yard.run(['route', 'explain', 'chat'])
    expect([ran.status, ran.stdout]).toEqual([
      0,
      `A request for chat in team would go to east, in tier 1: this time, for 75 % do.

Route chat
├─ tier 1 · weighted
│  ├─ ● east *  was chosen (75 %, breaker closed, 0 running)
│  └─ ○ west *  was eligible, another one was chosen (25 %, breaker closed, 0 running)
└─ tier 2 · weighted
   └─ ○ west *  stands in a tier that was not needed (100 %, breaker closed, 0 running)

Route beta is for other requests: they carry the header x-beta: yes.
Route chat is taken: it has the name chat.
Tier 1 chooses by their weights of 2.
Tier 2 chooses by their weights of 1.
It has 3 attempts, 60 s to the first content, 60 s of silence and 600 s in all.
Answers are not kept.
No guardrail looks at it.
`,
    ])
    const beta = await yard.run(['route', 'explain', 'chat', '--header', 'X-Beta=yes', '-o', 'json'])
    expect(JSON.parse(beta.stdout)).toMatchObject({ route: { id: 'beta' }, verdict: { type: 'served' } })
    const none = await yard.run(['route', 'explain', 'nothing', '--key', 'who'])
    expect([none.status, none.stdout.split('\n')[0]]).toEqual([
      1,
      'A request for nothing in team with the key who would be refused: There is no API key who in this workspace, or it has no secret.',
    ])
    expect((await yard.run(['route', 'explain', 'chat', '--header', 'wrong'])).stderr).toContain(
      'write NAME=VALUE',
    )
  })
})
