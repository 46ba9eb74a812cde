import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli, folder } from './harness.ts'

const facts = {
  baseUrl: 'http://127.0.0.1:8080',
  apiKey: 'sk-sy-quick',
  model: 'switchyard-tiny',
  setupUrl: 'http://127.0.0.1:8080/setup?token=x',
  adminToken: 'sy-op-quick',
  workspace: 'default',
}

function yard(): string {
  const place = folder()
  mkdirSync(join(place, '.switchyard'))
  writeFileSync(join(place, '.switchyard/quickstart.json'), JSON.stringify(facts))
  mkdirSync(join(place, 'deep/er'), { recursive: true })
  return place
}

interface Shown {
  readonly url: string
  readonly workspace: string
  readonly chosenBy: string
  readonly credentials: string
  readonly chatKey: string
}

async function shown(argv: readonly string[], given: Parameters<typeof cli>[1] = {}): Promise<Shown> {
  const { stdout, stderr, status } = await cli([...argv, 'context', 'show', '-o', 'json'], given)
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout) as Shown // printed by context show
}

async function homeWithContexts(): Promise<string> {
  const home = folder()
  for (const [name, url] of [
    ['one', 'https://one.example.com'],
    ['two', 'https://two.example.com'],
  ] as const)
    await cli(['context', 'set', name, '--url', url, '-W', `space-${name}`], { home })
  await cli(['context', 'use', 'one'], { home })
  return home
}

describe('which server is spoken to', () => {
  test('the folder of `up`, also from below it', async () => {
    const cwd = yard()
    for (const place of [cwd, join(cwd, 'deep/er')]) {
      const { url, credentials, workspace, chatKey } = await shown([], { cwd: place })
      expect([url, credentials, workspace, chatKey]).toEqual([facts.baseUrl, 'token', 'default', '…uick'])
    }
  })

  test('flag, then environment, then folder, then current context', async () => {
    const home = await homeWithContexts()
    const cwd = yard()
    const env = { SWITCHYARD_URL: 'http://env.example.com', SWITCHYARD_TOKEN: 't' }
    expect((await shown([], { home })).url).toBe('https://one.example.com')
    expect((await shown([], { home, cwd })).url).toBe(facts.baseUrl)
    expect((await shown([], { home, cwd, env })).url).toBe('http://env.example.com')
    const flagged = await shown(['--context', 'two'], { home, cwd, env })
    expect([flagged.url, flagged.workspace]).toEqual(['https://two.example.com', 'space-two'])
  })

  test('a workspace alike: flag, environment, then that of the server', async () => {
    const home = await homeWithContexts()
    const env = { SWITCHYARD_WORKSPACE: 'from-env' }
    expect((await shown([], { home })).workspace).toBe('space-one')
    expect((await shown([], { home, env })).workspace).toBe('from-env')
    expect((await shown(['-W', 'from-flag'], { home, env })).workspace).toBe('from-flag')
  })

  test('credentials go only to the address that they are for', async () => {
    const cwd = yard()
    const same = await shown([], { cwd, env: { SWITCHYARD_URL: `${facts.baseUrl}/` } })
    expect(same.credentials).toBe('token')
    const other = await shown([], { cwd, env: { SWITCHYARD_URL: 'http://elsewhere.example.com' } })
    expect(other.credentials).toBe('none')
  })

  test('an unknown context is refused with those there are', async () => {
    const home = await homeWithContexts()
    const { status, stderr } = await cli(['--context', 'three', 'get', 'ep'], { home })
    expect(status).toBe(2)
    expect(stderr).toContain('there are: one, two')
  })

  test('a broken quickstart file is told with its path', async () => {
    const cwd = yard()
    writeFileSync(join(cwd, '.switchyard/quickstart.json'), '{')
    const { status, stderr } = await cli(['get', 'ep'], { cwd })
    expect(status).toBe(2)
    expect(stderr).toContain('.switchyard/quickstart.json is no JSON')
  })
})

describe('saved contexts', () => {
  const fileOf = (home: string) => join(home, '.config/switchyard/config.yaml')

  test('are for their owner alone', async () => {
    const home = await homeWithContexts()
    expect(statSync(fileOf(home)).mode & 0o777).toBe(0o600)
    expect(statSync(join(home, '.config/switchyard')).mode & 0o777).toBe(0o700)
  })

  test('stand where XDG_CONFIG_HOME says', async () => {
    const home = folder()
    const config = folder()
    await cli(['context', 'set', 'x', '--url', 'http://x'], { home, env: { XDG_CONFIG_HOME: config } })
    expect(readFileSync(join(config, 'switchyard/config.yaml'), 'utf8')).toContain('http://x')
  })

  test('are listed without their secrets', async () => {
    const home = await homeWithContexts()
    await cli(['context', 'set', 'one', '--key-stdin'], { home, stdin: 'sk-sy-hidden\n' })
    const listed = await cli(['context'], { home })
    expect(listed.stdout).toMatch(/^\* +one +https:\/\/one\.example\.com +space-one +no$/m)
    expect(listed.stdout).not.toContain('hidden')
    expect(readFileSync(fileOf(home), 'utf8')).toContain('sk-sy-hidden')
    expect((await cli(['context', '-o', 'name'], { home })).stdout).toBe('two\none\n')
  })

  test('lose their secrets when the address changes', async () => {
    const home = await homeWithContexts()
    await cli(['context', 'set', 'one', '--key-stdin'], { home, stdin: 'sk-sy-hidden' })
    await cli(['context', 'set', 'one', '--url', 'https://other.example.com'], { home })
    expect(readFileSync(fileOf(home), 'utf8')).not.toContain('hidden')
  })

  test('are forgotten only after a yes', async () => {
    const home = await homeWithContexts()
    const refused = await cli(['context', 'delete', 'one'], { home })
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('--yes')
    expect((await cli(['context', 'delete', 'one'], { home, tty: true, stdin: 'n\n' })).status).toBe(130)
    expect((await cli(['context', 'delete', 'one'], { home, tty: true, stdin: 'y\n' })).status).toBe(0)
    expect((await cli(['context', '-o', 'name'], { home })).stdout).toBe('two\n')
    expect((await cli(['get', 'ep'], { home })).stderr).toContain('No server is chosen')
  })

  test('written by two programs at once are both kept', async () => {
    const home = folder()
    const names = Array.from({ length: 8 }, (_, n) => `c${n}`)
    await Promise.all(names.map(name => cli(['context', 'set', name, '--url', 'http://x'], { home })))
    const { stdout } = await cli(['context', '-o', 'name'], { home })
    expect(stdout.trim().split('\n').toSorted()).toEqual(names)
  })
})
