// The command line against the real API over real PostgreSQL.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { apiVersion, kinds } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, folder } from './harness.ts'
import { startYard, type Yard } from './yard.ts'

let yard: Yard
beforeAll(async () => {
  yard = await startYard()
})
afterAll(() => yard?.[Symbol.asyncDispose]())

const run: Yard['run'] = (argv, given) => yard.run(argv, given)
const one = (kind: string, metadata: string, spec = '{}') =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: ${metadata}\nspec: ${spec}\n`
const endpoint = (name: string, spec = '{ model: { name: platform/tiny } }') =>
  one('Endpoint', `{ name: ${name} }`, spec)
const apply = (text: string, ...flags: string[]) => run(['apply', '-f', '-', ...flags], { stdin: text })
const ready = { phase: 'Ready', conditions: [{ type: 'Ready', status: 'True', reason: 'Ready' }] }

async function ok(ran: ReturnType<Yard['run']>): Promise<string> {
  const { status, stdout, stderr } = await ran
  expect(status, stderr).toBe(0)
  return stdout
}

describe('apply', () => {
  const stack = [
    one('ApiKey', '{ name: bot, project: web }', '{ owner: { kind: ServiceAccount, name: bot } }'),
    endpoint('stack', '{ model: { name: own } }'),
    one('RoleAssignment', '{ name: bot }', '{ subject: { kind: ServiceAccount, name: bot }, role: caller }'),
    one('Model', '{ name: own }', '{ source: { registry: disk, path: own.gguf } }'),
    one('ServiceAccount', '{ name: bot }'),
    one('Role', '{ name: caller }', '{ permissions: ["inference:call"] }'),
    one('ModelRegistry', '{ name: disk }', '{ type: files, url: "file:///srv/disk" }'),
    one('Project', '{ name: web }'),
    one('User', '{ name: ada }', '{ email: ada@example.com, password: a long enough secret }'),
  ].join('---\n')

  test('writes a file in the order of its references, whatever its own order', async () => {
    const out = await ok(apply(stack))
    expect(
      out
        .trim()
        .split('\n')
        .map(line => line.split(' ')[1]),
    ).toEqual(Array.from({ length: 9 }, () => 'created'))
    const place = (name: string) => out.indexOf(name)
    expect(place('serviceaccount/bot')).toBeLessThan(place('apikey/bot'))
    expect(place('model/own')).toBeLessThan(place('endpoint/stack'))
  })

  test('says unchanged when nothing changes, and configured when it does', async () => {
    const again = await ok(apply(stack))
    expect(again).not.toMatch(/created|failed/)
    // A secret can't be compared with what is stored, so one that is given is written.
    expect(again.match(/^.*configured$/gm)).toEqual(['user/ada configured'])
    const changed = stack.replace('model: { name: own }', 'model: { name: own }, replicas: 3')
    expect((await ok(apply(changed))).match(/^.*configured$/gm)).toEqual([
      'user/ada configured',
      'endpoint/stack configured',
    ])
  })

  test('answers unchanged to what get printed, for every kind that people write', async () => {
    for (const { kind, system } of kinds) {
      if (system) continue
      const text = await ok(run(['get', kind, '-A', '-o', 'yaml']))
      if (text === '') continue
      const { status, stdout, stderr } = await apply(text)
      expect(status, `${kind}: ${stderr}`).toBe(0)
      expect(stdout, kind).not.toMatch(/created|configured|failed/)
      const asJson = await ok(run(['get', kind, '-A', '-o', 'json']))
      expect((await apply(asJson)).stdout, kind).toBe(stdout)
    }
  })

  test('keeps labels, descriptions and secrets that the file leaves out', async () => {
    await ok(
      apply(
        one('User', '{ name: ada, displayName: 艾达, labels: { team: web } }', '{ email: ada@example.com }'),
      ),
    )
    await ok(apply(one('User', '{ name: ada }', '{ email: ada@example.com, locale: zh }')))
    const { metadata, spec } = await yard.client.get('User', { name: 'ada' })
    expect(metadata).toMatchObject({ displayName: '艾达', labels: { team: 'web' } })
    expect(spec).toMatchObject({ locale: 'zh' })
    await using anonymous = (await import('@switchyard/client')).createClient({
      url: yard.url,
      token: () => '',
    })
    expect((await anonymous.login('ada@example.com', 'a long enough secret')).accessToken).toBeTruthy()
  })

  test('writes nothing when one of many documents is bad', async () => {
    const many = Array.from({ length: 20 }, (_, n) => endpoint(`many-${n}`))
    many[16] = endpoint('many-16', '{ model: { name: platform/tiny }, replicas: lots }')
    const { status, stdout, stderr } = await apply(many.join('---\n'))
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain('stdin:84 (document 17) spec.replicas: must be a number')
    expect((await run(['get', 'endpoints', '-o', 'name'])).stdout).not.toContain('many-')
  })

  test('tells the server’s refusals with file, line and path, and goes on with the rest', async () => {
    const place = folder()
    mkdirSync(join(place, 'stack/deep'), { recursive: true })
    const text = `${endpoint('fine')}---\napiVersion: ${apiVersion}\nkind: Endpoint\nmetadata:\n  name: wrong\nspec:\n  model: { name: platform/tiny }\n  arguments:\n    threads: 4000\n`
    writeFileSync(join(place, 'stack/deep/endpoints.yaml'), text)
    writeFileSync(join(place, 'stack/notes.txt'), 'not a manifest')
    const { status, stdout, stderr } = await run(['apply', '-f', 'stack'], { cwd: place })
    expect(status).toBe(2)
    expect(stdout).toBe('endpoint/fine created\nendpoint/wrong failed\n')
    expect(stderr).toMatch(/stack\/deep\/endpoints\.yaml:1[34] \(document 2\) spec\.arguments\.threads: /)
  })

  test('does not send what refers to a document that failed', async () => {
    const text = `${one('Model', '{ name: lost }', '{ source: { registry: nowhere, path: x } }')}---\n${endpoint('orphan', '{ model: { name: lost } }')}`
    const { status, stdout, stderr } = await apply(text)
    expect(status).not.toBe(0)
    expect(stdout).toBe('model/lost failed\nendpoint/orphan failed\n')
    expect(stderr).toContain('not sent, because model/lost failed')
  })

  test('leaves nothing behind in a dry run, here or at the server', async () => {
    const before = (await yard.client.list('Endpoint')).version
    const text = `${one('Model', '{ name: later }', '{ source: { registry: platform/bundled, path: x } }')}---\n${endpoint('later', '{ model: { name: later } }')}`
    expect(await ok(apply(text, '--dry-run', 'client'))).toContain(
      'endpoint/later valid (client dry run, nothing sent)',
    )
    const server = await apply(text, '--dry-run', 'server')
    expect(server.status, server.stderr).toBe(0)
    expect(server.stdout).toBe(
      'model/later created (server dry run)\nendpoint/later created (server dry run)\n',
    )
    expect(server.stderr).toContain("endpoint/later can't be checked whole")
    expect((await yard.client.list('Endpoint')).version).toBe(before)
  })

  test('needs no server for a dry run here', async () => {
    const { status } = await cli(['apply', '-f', '-', '--dry-run', 'client'], { stdin: endpoint('x') })
    expect(status).toBe(0)
  })

  test('waits until what it wrote is ready', async () => {
    const waiting = apply(endpoint('slow'), '--wait', '--timeout', '10s')
    await appeared('Endpoint', 'slow')
    await yard.setStatus('Endpoint', 'slow', ready)
    await ok(waiting)
    const hopeless = apply(endpoint('hopeless'), '--wait', '--timeout', '1s')
    const { status, stderr } = await hopeless
    expect(status).toBe(8)
    expect(stderr).toContain('endpoint/hopeless is Pending')
  })

  test('gives its results as one value of JSON', async () => {
    const results = JSON.parse(await ok(apply(endpoint('slow'), '-o', 'json'))) as unknown
    expect(results).toEqual([{ kind: 'Endpoint', workspace: 'team', name: 'slow', outcome: 'unchanged' }])
  })
})

async function appeared(kind: string, name: string): Promise<void> {
  for await (const event of yard.client.watch(kind, {
    workspace: 'team',
    fieldSelector: `metadata.name=${name}`,
  }))
    if (event.type === 'ADDED') return
}

describe('get', () => {
  beforeAll(async () => {
    await ok(
      apply(
        `${endpoint('alpha', '{ model: { name: platform/tiny }, replicas: 2 }')}---\n${endpoint('beta')}`,
      ),
    )
    await ok(
      apply(
        one(
          'Endpoint',
          '{ name: beta, labels: { tier: gold } }',
          '{ model: { name: platform/tiny }, paused: true }',
        ),
      ),
    )
    await ok(
      apply(
        one(
          'Endpoint',
          '{ name: alpha, displayName: 聊天 }',
          '{ model: { name: platform/tiny }, replicas: 2 }',
        ),
      ),
    )
    await yard.setStatus('Endpoint', 'alpha', {
      ...ready,
      revisions: { desired: 1 },
      replicas: { desired: 2, placed: 2, starting: 0, ready: 2, draining: 0 },
    })
  })

  test('prints the columns of the kind', async () => {
    const out = await ok(run(['get', 'ep', 'alpha', 'beta']))
    const [head, alpha, beta] = out.split('\n')
    expect(head).toMatch(/^NAME +PHASE +MODEL +READY +DESIRED +AGE$/)
    expect(alpha).toMatch(/^alpha +Ready +platform\/tiny +2 +2 +\d+s$/)
    expect(beta).toMatch(/^beta +Paused +platform\/tiny +- +- +\d+s$/)
    expect(await ok(run(['get', 'ep', 'alpha', '-o', 'wide']))).toMatch(/ENGINE +CLUSTER +REVISION +AGE\n/)
    expect(await ok(run(['get', 'ep', 'alpha', '--no-headers']))).not.toContain('NAME')
  })

  test('selects by labels and fields, sorts and limits', async () => {
    expect(await ok(run(['get', 'ep', '-l', 'tier in (gold)', '-o', 'name']))).toBe('endpoint/beta\n')
    expect(await ok(run(['get', 'ep', '--field-selector', 'spec.paused=true', '-o', 'name']))).toBe(
      'endpoint/beta\n',
    )
    const sorted = await ok(run(['get', 'ep', '--sort-by', '-spec.replicas', '-o', 'name']))
    expect(sorted.split('\n').slice(0, 2)).toEqual(['endpoint/stack', 'endpoint/alpha'])
    expect((await ok(run(['get', 'ep', '--limit', '2', '-o', 'name']))).trim().split('\n')).toHaveLength(2)
    const bad = await run(['get', 'ep', '--field-selector', 'spec.colour=red'])
    expect([bad.status, bad.stdout]).toEqual([2, ''])
  })

  test('shows the platform’s documents beside the workspace’s, by the names that references use', async () => {
    expect(await ok(run(['get', 'models', '-o', 'name']))).toBe('model/platform/tiny\nmodel/own\n')
    expect(await ok(run(['get', 'model', 'platform/tiny', '-o', 'name']))).toBe('model/platform/tiny\n')
    const { status, stderr } = await run(['get', 'model', 'tiny'])
    expect(status).toBe(5)
    expect(stderr).toContain('but there is platform/tiny')
  })

  test('shows several kinds in tables of their own, and everything at once', async () => {
    const out = await ok(run(['get', 'ep/alpha', 'model/own']))
    expect(out).toMatch(/^NAME [\s\S]*^endpoint\/alpha [\s\S]*^NAME [\s\S]*^model\/own /m)
    const all = await ok(run(['get', 'all', '-o', 'name']))
    for (const name of ['endpoint/alpha', 'model/own', 'project/web', 'apikey/bot'])
      expect(all).toContain(`${name}\n`)
    expect(await ok(run(['get', 'ep', '-A']))).toMatch(/^WORKSPACE +NAME/)
  })

  test('gives one value as JSON: the document, or a list', async () => {
    const single = JSON.parse(await ok(run(['get', 'ep', 'alpha', '-o', 'json']))) as object
    expect(Object.keys(single)).toEqual(['apiVersion', 'kind', 'metadata', 'spec', 'status'])
    expect(Object.keys((single as { spec: object }).spec).slice(0, 3)).toEqual(['cluster', 'model', 'engine'])
    const list = JSON.parse(await ok(run(['get', 'ep', '-o', 'json']))) as { kind: string; items: unknown[] }
    expect(list.kind).toBe('EndpointList')
    expect(list.items.length).toBeGreaterThan(2)
  })

  test('shows what it found, tells what it did not, and exits 5', async () => {
    const { status, stdout, stderr } = await run(['get', 'ep', 'alpha', 'nobody', '-o', 'name'])
    expect(stdout).toBe('endpoint/alpha\n')
    expect([status, stderr]).toEqual([5, 'not_found: There is no Endpoint nobody here that you may read.\n'])
  })

  test('shortens long lists in a table, and not when it is wide', async () => {
    const viewer = /^platform\/viewer +workspace:read,project:read,quota:read \+\d+ /m
    expect(await ok(run(['get', 'roles']))).toMatch(viewer)
    expect(await ok(run(['get', 'roles', '-o', 'wide']))).toMatch(/^platform\/viewer .*event:read/m)
  })

  test('of an empty workspace says so, and prints nothing', async () => {
    await yard.client.create({ kind: 'Workspace', metadata: { name: 'empty' }, spec: {} })
    const { status, stdout, stderr } = await run(['get', 'endpoints', '-W', 'empty'])
    expect([status, stdout, stderr]).toEqual([0, '', 'No endpoints in workspace empty.\n'])
  })

  test('watches: the list, then a line for every change, until it is stopped', async () => {
    const stop = new AbortController()
    let seen = ''
    const change = async () => {
      await yard.client.patch('Endpoint', { workspace: 'team', name: 'beta' }, { spec: { paused: false } })
    }
    const onOutput = (text: string) => {
      if (seen === '') void change()
      seen += text
      if (/^beta +Pending/m.test(seen)) stop.abort()
    }
    const { status, stdout } = await run(['get', 'ep', 'beta', '-w'], { signal: stop.signal, onOutput })
    expect(status).toBe(130)
    expect(stdout).toMatch(/^NAME [^\n]*\nbeta +Paused [^\n]*\nbeta +Pending [^\n]*\n$/)
  })

  test('watches as lines of JSON', async () => {
    const stop = new AbortController()
    const onOutput = () => stop.abort()
    const { stdout } = await run(['get', 'ep', 'beta', '-w', '-o', 'json'], { signal: stop.signal, onOutput })
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { type: string; object: { kind: string } })
    expect(lines.map(({ type, object }) => [type, object.kind])).toEqual([['ADDED', 'Endpoint']])
  })
})

describe('describe', () => {
  test('tells fields, conditions, users, events and the next command', async () => {
    await yard.setStatus('Endpoint', 'stack', {
      conditions: [{ type: 'Ready', status: 'False', reason: 'Starting', message: 'Wait for the engine.' }],
    })
    const { id } = (await yard.client.get('Endpoint', { workspace: 'team', name: 'stack' })).metadata
    await yard.database.store.write({ role: 'control' }, tx =>
      tx.event({
        object: { kind: 'Endpoint', workspace: 'team', name: 'stack', id },
        type: 'Warning',
        reason: 'Unschedulable',
        message: 'No node has room.',
      }),
    )
    const out = await ok(run(['describe', 'endpoint', 'stack']))
    expect(out).toMatch(/^Kind: +Endpoint\nName: +stack\nWorkspace: +team$/m)
    expect(out).toMatch(/Ready +False +Starting +\d+s ago +Wait for the engine\./)
    expect(out).toMatch(/Warning +Unschedulable +No node has room\./)
    expect(out).toContain('switchyard wait endpoint stack')
    expect(await ok(run(['describe', 'model', 'own']))).toMatch(/Used by\n {2}endpoint\/stack\n/)
    expect(await ok(run(['describe', 'sa/bot']))).toContain('apikey/bot')
    expect(await ok(run(['describe', 'cluster/platform/local']))).toContain('endpoint/alpha (team)')
  })

  test('events tells the same, for one document or all', async () => {
    expect(await ok(run(['events', '--for', 'endpoint/stack']))).toMatch(
      /Unschedulable +endpoint\/stack +1 +No node has room\./,
    )
    const { items } = JSON.parse(await ok(run(['events', '-o', 'json']))) as { items: { reason: string }[] }
    expect(items.map(({ reason }) => reason)).toContain('Unschedulable')
    expect((await run(['events', '--for', 'endpoint'])).status).toBe(2)
  })
})

describe('wait', () => {
  beforeAll(() => ok(apply(`${endpoint('w1')}---\n${endpoint('w2')}`)))

  test('returns when the condition comes true, of this generation', async () => {
    const waiting = run(['wait', 'endpoint', 'w1', '--for', 'condition=Ready', '--timeout', '10s'])
    await yard.setStatus('Endpoint', 'w1', {
      conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', observedGeneration: 0 }],
    })
    await yard.setStatus('Endpoint', 'w1', ready)
    const { status, stdout } = await waiting
    expect([status, stdout]).toEqual([0, 'endpoint/w1 Ready=True\n'])
    const { metadata, status: now } = await yard.client.get('Endpoint', { workspace: 'team', name: 'w1' })
    expect(now).toMatchObject({ conditions: [{ observedGeneration: metadata.generation }] })
  })

  test('exits 8 when time runs out, and tells how it stands', async () => {
    const { status, stderr } = await run(['wait', 'ep/w2', '--timeout', '1s'])
    expect([status, stderr]).toEqual([8, 'deadline: Waited 1 s: endpoint/w2 is Pending.\n'])
  })

  test('exits 1 when it can’t come true any more', async () => {
    const waiting = run(['wait', 'endpoint', 'w2', '--timeout', '10s'])
    await yard.client.delete('Endpoint', { workspace: 'team', name: 'w2' })
    await yard.finish('Endpoint', 'w2')
    const { status, stderr } = await waiting
    expect(status).toBe(1)
    expect(stderr).toContain("endpoint/w2 was deleted, so it can't be Ready=True any more.")
  })

  test('for delete is a yes when it is gone, and 5 is for what was never there', async () => {
    expect((await run(['wait', 'endpoint', 'w2', '--for', 'delete'])).status).toBe(0)
    expect((await run(['wait', 'endpoint', 'w2'])).status).toBe(5)
  })
})

describe('delete', () => {
  test('asks; without a terminal needs --yes; a no changes nothing', async () => {
    await ok(apply(one('Project', '{ name: doomed }')))
    expect((await run(['delete', 'project', 'doomed'])).status).toBe(2)
    expect((await run(['delete', 'project', 'doomed'], { tty: true, stdin: 'n\n' })).status).toBe(130)
    expect((await run(['get', 'project', 'doomed'])).status).toBe(0)
    expect(await ok(run(['delete', 'project', 'doomed'], { tty: true, stdin: 'y\n' }))).toBe(
      'project/doomed deleted\n',
    )
    expect((await run(['delete', 'project', 'doomed', '--yes'])).status).toBe(5)
    expect(await ok(run(['delete', 'project', 'doomed', '--yes', '--ignore-not-found']))).toBe(
      'project/doomed not there\n',
    )
  })

  test('names what still refers to it, and exits 6', async () => {
    const { status, stderr } = await run(['delete', 'model', 'own', '--yes'])
    expect(status).toBe(6)
    expect(stderr).toContain('in use by Endpoint')
  })

  test('of a file goes against its references, and waits until all is gone', async () => {
    const text = `${one('Model', '{ name: temp }', '{ source: { registry: platform/bundled, path: x } }')}---\n${endpoint('temp', '{ model: { name: temp } }')}`
    await ok(apply(text))
    const deleting = run(['delete', '-f', '-', '--yes', '--wait', '--timeout', '10s'], { stdin: text })
    for await (const event of yard.client.watch('Endpoint', {
      workspace: 'team',
      fieldSelector: 'metadata.name=temp',
    }))
      if ('document' in event && event.document.metadata.deletionTimestamp) break
    await yard.finish('Endpoint', 'temp')
    expect(await ok(deleting)).toBe('endpoint/temp deleted\nmodel/temp deleted\n')
  })
})

describe('keys', () => {
  test('are shown once, alone on stdout, and refused when revoked', async () => {
    const made = await run([
      'keys',
      'create',
      'ci',
      '--owner',
      'sa/bot',
      '--project',
      'web',
      '--models',
      'a,b*',
      '--expires',
      '90d',
    ])
    expect(made.stdout, made.stderr).toMatch(/^sk-sy-[0-9A-Za-z]{12}-[0-9A-Za-z]{49}\n$/)
    const { metadata, spec } = await yard.client.get('ApiKey', { workspace: 'team', name: 'ci' })
    expect(metadata.project).toBe('web')
    expect(spec).toMatchObject({ owner: { kind: 'ServiceAccount', name: 'bot' }, models: ['a', 'b*'] })

    const rotated = await ok(run(['keys', 'rotate', 'ci', '--overlap', '1h']))
    expect(rotated).toMatch(/^sk-sy-/)
    expect(rotated).not.toBe(made.stdout)
    expect(await ok(run(['keys', 'disable', 'ci']))).toBe('apikey/ci disabled\n')
    expect(await ok(run(['keys', 'list']))).toMatch(/^ci +Disabled +bot/m)
    expect(await ok(run(['keys', 'disable', 'ci', '--undo']))).toBe('apikey/ci enabled\n')
    expect((await run(['keys', 'revoke', 'ci'])).status).toBe(2)
    expect(await ok(run(['keys', 'revoke', 'ci', '--yes']))).toBe('apikey/ci deleted\n')
    expect(await ok(run(['keys', 'list', '-o', 'json']))).not.toContain(rotated.trim())
  })

  test('need an owner when the operator makes them', async () => {
    const { status, stderr } = await run(['keys', 'create', 'nobody'])
    expect(status).toBe(2)
    expect(stderr).toContain('--owner user/NAME')
  })
})

describe('signing in', () => {
  const password = 'correct horse battery'
  const file = (home: string) => join(home, '.config/switchyard/config.yaml')
  beforeAll(() =>
    ok(
      apply(
        `${one('User', '{ name: grace }', `{ email: grace@example.com, password: ${password} }`)}---\n${one('RoleAssignment', '{ name: grace }', '{ subject: { kind: User, name: grace }, role: platform/developer }')}`,
      ),
    ),
  )
  const login = (home: string, secret = password) =>
    cli(['login', yard.url, '--email', 'grace@example.com', '--password-stdin', '--name', 'test'], {
      home,
      stdin: `${secret}\n`,
    })

  test('keeps a session, in the first workspace that one has rights in', async () => {
    const home = folder()
    const { status, stdout, stderr } = await login(home)
    expect([status, stdout], stderr).toEqual([0, ''])
    expect(stderr).toContain('as user:grace, workspace team')
    expect(readFileSync(file(home), 'utf8')).not.toContain(password)
    expect(await ok(cli(['get', 'ep', 'alpha', '-o', 'name'], { home }))).toBe('endpoint/alpha\n')
    expect(await ok(cli(['keys', 'create', 'mine'], { home }))).toMatch(/^sk-sy-/)
    const denied = await cli(['apply', '-f', '-'], { home, stdin: one('Workspace', '{ name: more }') })
    expect(denied.status).toBe(4)
  })

  test('refreshes the access token before it ends, once for all who ask at once', async () => {
    const home = folder()
    await login(home)
    const before = readFileSync(file(home), 'utf8')
    writeFileSync(file(home), before.replace(/expiresAt: .*/, 'expiresAt: 2020-01-01T00:00:00.000Z'))
    const all = await Promise.all([1, 2, 3].map(() => cli(['get', 'ep', 'alpha', '-o', 'name'], { home })))
    expect(all.map(({ status }) => status)).toEqual([0, 0, 0])
    const after = readFileSync(file(home), 'utf8')
    expect(after).not.toContain('2020-01-01')
    expect(after.match(/refreshToken: (.*)/)?.[1]).not.toBe(before.match(/refreshToken: (.*)/)?.[1])
  })

  test('ends at the server too, and says so afterwards', async () => {
    const home = folder()
    await login(home)
    const token = /accessToken: (.*)/.exec(readFileSync(file(home), 'utf8'))?.[1] ?? ''
    await ok(cli(['logout'], { home }))
    expect(readFileSync(file(home), 'utf8')).not.toMatch(/Token/)
    expect((await cli(['get', 'ep'], { home })).status).toBe(3)
    const env = { SWITCHYARD_URL: yard.url, SWITCHYARD_TOKEN: token, SWITCHYARD_WORKSPACE: 'team' }
    expect((await cli(['get', 'ep'], { env })).status).toBe(3)
  })

  test('a wrong password is refused with 3 and keeps nothing', async () => {
    const home = folder()
    const { status, stderr } = await login(home, 'wrong wrong wrong')
    expect(status).toBe(3)
    expect(stderr).toContain('The e-mail or the password is wrong')
    expect((await cli(['context', '-o', 'name'], { home })).stdout).toBe('')
  })

  test('by token, from standard input', async () => {
    const home = folder()
    const { status, stderr } = await cli(['login', yard.url, '--token-stdin', '-W', 'team'], {
      home,
      stdin: yard.operator,
    })
    expect(status, stderr).toBe(0)
    expect(stderr).toContain('as system:operator')
    expect(await ok(cli(['get', 'ep', 'alpha', '-o', 'name'], { home }))).toBe('endpoint/alpha\n')
  })

  test('without a terminal and without a password says how', async () => {
    const { status, stderr } = await cli(['login', yard.url, '--email', 'a@b.co'])
    expect([status, stderr.includes('--password-stdin')]).toEqual([2, true])
  })

  test('in the folder of a quickstart nobody needs to', async () => {
    const cwd = folder()
    mkdirSync(join(cwd, '.switchyard'))
    const facts = {
      baseUrl: yard.url,
      adminToken: yard.operator,
      workspace: 'team',
      apiKey: 'sk-sy-x',
      model: 'alpha',
    }
    writeFileSync(join(cwd, '.switchyard/quickstart.json'), JSON.stringify(facts))
    expect(await ok(cli(['get', 'ep', 'alpha', '-o', 'name'], { cwd }))).toBe('endpoint/alpha\n')
    expect(await ok(cli(['version'], { cwd }))).toContain(`server     0.0.0-test (${yard.url})`)
  })
})

describe('logs and usage', () => {
  const addReplica = (ordinal: number) =>
    yard.database.store.write({ role: 'control' }, tx => {
      const at = new Date().toISOString()
      return tx.insert(
        {
          apiVersion,
          kind: 'Replica',
          metadata: {
            id: `019a0000-0000-7000-8000-00000000000${ordinal}`,
            name: `alpha-1-${ordinal}`,
            workspace: 'team',
            project: null,
            labels: {},
            annotations: {},
            generation: 1,
            resourceVersion: '0',
            creationTimestamp: at,
            updateTimestamp: at,
            createdBy: 'system:control',
            updatedBy: 'system:control',
            ownerReferences: [],
            finalizers: [],
          },
          spec: { endpoint: 'alpha', revision: 1, ordinal, cluster: 'platform/local' },
          status: { phase: 'Pending' },
        },
        [],
      )
    })

  test('logs are printed as they are, those of the run before on demand', async () => {
    await addReplica(0)
    expect(await ok(run(['logs', 'alpha']))).toBe('loading\nready\n')
    expect(await ok(run(['logs', 'endpoint/alpha', '--tail', '1']))).toBe('ready\n')
    expect(await ok(run(['logs', 'alpha', '--previous']))).toBe('died\u001b[31m\n')
    expect((await run(['logs', 'alpha', '--previous'], { tty: true })).stdout).toBe('died\ufffd[31m\n')
    const stop = new AbortController()
    const onOutput = (text: string) => text.includes('ready') && stop.abort()
    const followed = await run(['logs', 'alpha', '-f'], {
      signal: stop.signal,
      onOutput: text => void onOutput(text),
    })
    expect([followed.status, followed.stdout]).toEqual([130, 'loading\nready\n'])
    expect((await run(['logs', 'nobody'])).status).toBe(5)

    await addReplica(1)
    const lines = (await ok(run(['logs', 'alpha', '--tail', '1']))).trim().split('\n').toSorted()
    expect(lines).toEqual(['[alpha-1-0] ready', '[alpha-1-1] ready'])
    expect(await ok(run(['logs', 'alpha', '--tail', '1', '--replica', 'alpha-1-1']))).toBe('ready\n')
  })

  test('usage sums by what is asked', async () => {
    const twoHoursAgo = new Date(Date.now() - 7_200_000).toISOString()
    const usage = (keyName: string, request: string, input: string, output: string) => ({
      specversion: '1.0' as const,
      type: 'switchyard.usage.v1' as const,
      source: '/gateway' as const,
      id: `${request}:0:0`,
      subject: 'team/-',
      time: twoHoursAgo,
      data: {
        workspace: 'team',
        project: null,
        key: 'abcdefghijkl',
        keyName,
        model: 'alpha',
        endpoint: 'alpha',
        upstream: 'alpha-1-0',
        request,
        operation: 'chat',
        billable: 'caller' as const,
        streamed: false,
        end: 'done' as const,
        status: 200,
        endedAt: twoHoursAgo,
        usageSource: 'engine' as const,
        quantities: { 'tok.in.uncached': input, 'tok.out.text': output },
        flags: [],
      },
    })
    const answers = await yard.database.usage.ingest([
      usage('bot', '019b0000-0000-7000-8000-000000000001', '10', '3'),
      usage('bot', '019b0000-0000-7000-8000-000000000002', '20', '4'),
      usage('ci', '019b0000-0000-7000-8000-000000000003', '5', '1'),
    ])
    expect(answers).toEqual(['accepted', 'accepted', 'accepted'])
    const table = await ok(run(['usage', '--by', 'key,model', '--from', '1d', '--to', '1h']))
    expect(table).toBe(
      [
        'KEY    MODEL  REQUESTS  INPUT  OUTPUT  TOKENS',
        'bot    alpha         2     30       7      37',
        'ci     alpha         1      5       1       6',
        'TOTAL                3     35       8      43',
        '',
      ].join('\n'),
    )
    const { items } = JSON.parse(await ok(run(['usage', '--by', 'key', '--key', 'ci', '-o', 'json']))) as {
      items: { requests: string; tokens: object }[]
    }
    expect(items).toMatchObject([{ requests: '1', tokens: { input: '5', output: '1' } }])
    expect((await run(['usage', '--from', '1h'])).stderr).toBe('No usage in that time.\n')
    expect((await run(['usage', '--by', 'colour'])).status).toBe(2)
  })
})

describe('wallet', () => {
  test('shows, tops up once under its key, and lists what was posted', async () => {
    await ok(apply(one('Workspace', '{ name: paying }')))
    const wallet = (...argv: string[]) => run(['-W', 'paying', 'wallet', ...argv])
    const refused = await wallet('topup', '5')
    expect([refused.status, refused.stderr]).toEqual([6, expect.stringContaining('spec.billing')])
    await ok(apply(one('Workspace', '{ name: paying }', '{ billing: { mode: prepaid } }')))
    for (let i = 0; i < 2; i++) await ok(wallet('topup', '12.50', '--key', 'payment-1'))
    await ok(wallet('grant', '2', '--expires', '30d', '--reason', 'welcome'))
    await ok(wallet('correct', '--', '-0.5'))
    const shown = await ok(wallet('show'))
    expect(shown).toMatch(/^ACCOUNT\s+KIND\s+CURRENCY\s+BALANCE\s+HELD\s+LEASED\s+AVAILABLE$/m)
    expect(shown).toMatch(/^workspace\s+prepaid\s+USD\s+14\s+0\s+0\s+14$/m)
    const listed = JSON.parse(await ok(wallet('entries', '-o', 'json'))) as { items: object[] }
    expect(listed.items).toMatchObject([
      { cause: 'correction', amount: '-0.5' },
      { cause: 'grant', amount: '2', reason: 'welcome' },
      { cause: 'top_up', amount: '12.5', reference: 'key:payment-1' },
    ])
    const short = await wallet('withdraw', '100')
    expect(short.status).toBe(7)
  })
})
