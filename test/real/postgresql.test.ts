// A PostgreSQL of the system, the oldest that we take, reached as a role that is no superuser.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, freePort, startYard, switchyard, type Yard } from '../journeys/yard.ts'
import { postgresqlPrograms, suite } from './tools.ts'

suite('a PostgreSQL of the system', postgresqlPrograms(), programs => {
  let folder: string
  let server: ChildProcess | undefined
  let port: number

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postgresql-'))
    port = await freePort()
    chmodSync(folder, 0o777) // the unprivileged user makes its own folder in here
    const data = join(folder, 'data')
    await execute('initdb', [
      '-D',
      data,
      '-U',
      'root',
      '--auth-host=scram-sha-256',
      '--no-sync',
      '-E',
      'UTF8',
    ])
    const [program = '', ...argv] = unprivileged('postgres', ['-D', data, '-p', String(port), '-k', folder])
    server = spawn(program, [...argv, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'], {
      cwd: folder,
      stdio: 'ignore',
    })
    await eventually('PostgreSQL', 30, () => sql('select 1').catch(() => undefined))
  })
  afterAll(async () => {
    const ended = new Promise(done => server?.once('exit', done))
    if (server?.kill('SIGINT')) await ended
    rmSync(folder, { recursive: true, force: true })
  })

  test('is the oldest that the README promises', async () => {
    expect(await sql('show server_version')).toMatch(/^15\./)
  })

  test('a role that may not make roles is told in one sentence which to make, and that works', async () => {
    const url = await database('plain', '')
    const refused = await refusedUp(url)
    expect(refused.code).toBe(9)
    const [sentence = ''] = refused.stderr.trim().split('\n').slice(-1)
    expect(sentence).toMatch(
      /The database user may not make the roles that Switchyard needs: give it CREATEROLE, or make the roles .*\.$/,
    )
    expect(refused.stderr).not.toContain('hunter2')
    const roles = /the roles (switchyard_[\w, ]+) \(nologin\)/.exec(sentence)?.[1]?.split(', ') ?? []
    expect(roles.length).toBeGreaterThan(3)
    for (const role of roles) await sql(`create role ${role} nologin; grant ${role} to plain`)
    await using yard = await startYard({ argv: ['--database-url', url] })
    await ask(yard)
    for (const role of roles) await sql(`revoke ${role} from plain`)
  })

  test('a role that may not make a schema is told what to grant', async () => {
    const url = await database('guest', 'createrole', 'root')
    const refused = await refusedUp(url)
    expect(refused.code).toBe(9)
    expect(refused.stderr.trim().split('\n').at(-1)).toContain('grant it CREATE on the database')
  })

  test('a role with CREATEROLE serves, and what was counted outlives down and up', async () => {
    const url = await database('yard', 'createrole')
    await using yard = await startYard({ argv: ['--database-url', url] })
    expect(yard.started.stderr).toContain(`external, 127.0.0.1:${port}/yard`)
    expect(await sql('select rolsuper or rolbypassrls from pg_roles where rolname = $$yard$$')).toBe('f')
    for (let n = 0; n < 3; n++) await ask(yard)
    const before = await eventually('three calls and that of `up` to be counted', 10, async () => {
      const [row] = await usage(yard)
      return row?.requests === '4' ? row : undefined
    })
    const down = await yard.run('down')
    expect(down.code, down.stderr).toBe(0)
    expect(
      await eventually('no connection', 5, async () => ((await connections()) === '0' ? '0' : undefined)),
    ).toBe('0')
    const again = await yard.up()
    expect(again.code, again.stderr).toBe(0)
    await ask(yard)
    await eventually('old and new usage', 10, async () => {
      const [row] = await usage(yard)
      return row?.requests === '6' && BigInt(row.tokens.output) > BigInt(before.tokens.output)
        ? true
        : undefined
    })
  })

  test('the role that a connection starts as may read nothing', async () => {
    const url = await database('lent', 'createrole')
    await using yard = await startYard({ argv: ['--database-url', url] })
    await ask(yard)
    const refused = await execute('psql', [
      '-XAt',
      '-d',
      `${url}?options=-c%20role%3Dswitchyard_nobody`,
      '-c',
      'select * from switchyard.resources',
    ]).catch((error: Error) => error.message)
    expect(refused).toContain('permission denied')
  })

  const connections = () => sql("select count(*) from pg_stat_activity where usename = 'yard'")

  /** A login role and a database that it owns, by default; answers the URL of both. */
  async function database(name: string, rights: string, owner = name): Promise<string> {
    await sql(`create role ${name} login ${rights} password 'hunter2'`)
    await sql(`create database ${name} owner ${owner}`)
    return `postgres://${name}:hunter2@127.0.0.1:${port}/${name}`
  }

  async function refusedUp(url: string) {
    const own = mkdtempSync(join(tmpdir(), 'refused-'))
    try {
      const flags = ['--data', join(own, 'data'), '--port', String(await freePort()), '--database-url', url]
      return await switchyard(own, ['up', '--detach', ...flags])
    } finally {
      rmSync(own, { recursive: true, force: true })
    }
  }

  async function ask(yard: Yard): Promise<void> {
    const reply = await yard.openai().chat.completions.create({
      model: yard.facts.model,
      messages: [{ role: 'user', content: 'Hello!' }],
      max_tokens: 8,
    })
    expect(reply.choices[0]?.message.content).toMatch(/\p{L}/u)
  }

  async function usage(yard: Yard) {
    const printed = await yard.run('usage', '--by', 'model', '-o', 'json')
    const { items } = JSON.parse(printed.stdout) as {
      readonly items: readonly { requests: string; tokens: { output: string } }[]
    } // shape of GET /api/v1/usage
    return items
  }

  /** One statement or more, as the superuser through the socket; answers what it printed. */
  const sql = (statement: string) =>
    execute('psql', [
      '-XAt',
      '-v',
      'ON_ERROR_STOP=1',
      '-h',
      folder,
      '-p',
      String(port),
      '-U',
      'root',
      '-d',
      'postgres',
      '-c',
      statement,
    ])

  /** PostgreSQL refuses to run as root; so root runs it as `postgres`, or as nobody in particular. */
  function unprivileged(name: string, argv: readonly string[]): readonly string[] {
    const program = join(programs, name)
    if (process.getuid?.() !== 0) return [program, ...argv]
    return ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', '--', program, ...argv]
  }

  function execute(name: string, argv: readonly string[]): Promise<string> {
    const [program = '', ...rest] = unprivileged(name, argv)
    return new Promise((done, reject) => {
      execFile(program, rest, { cwd: folder }, (error, stdout, stderr) =>
        error ? reject(new Error(`${name}: ${stderr}`)) : done(stdout.trim()),
      )
    })
  }
})
