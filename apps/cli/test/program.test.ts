import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createProgram } from '@switchyard/cli'
import { codes, exitStatus, Fault, kinds } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import { kindNamed, readTargets } from '../src/kinds.ts'
import { reference } from '../src/reference.ts'
import { report } from '../src/report.ts'
import { schemaAt } from '../src/verbs/explain.ts'
import { nextCommands } from '../src/verbs/next.ts'
import { readFor } from '../src/verbs/wait.ts'
import { cli, folder } from './harness.ts'

describe('the program', () => {
  test('teaches every command with an example', async () => {
    const program = await createProgram(async () => {})
    const leaves = program.commands.filter(command => command.commands.length === 0)
    expect(leaves.length).toBeGreaterThan(12)
    for (const command of leaves) {
      const { status, stdout } = await cli([command.name(), '--help'])
      expect(status).toBe(0)
      expect(stdout, command.name()).toMatch(/^Examples?:\n {2}switchyard /m)
    }
  })

  test('is described by a page that is up to date', async () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../../docs/cli.md'), 'utf8')
    expect(page, 'run: node apps/cli/src/reference.ts > docs/cli.md').toBe(await reference())
  })

  test('without a word shows what there is', async () => {
    const { status, stdout } = await cli([])
    expect(status).toBe(0)
    expect(stdout).toContain('Start and sign in:')
  })

  test.each([
    [['gett'], /unknown command 'gett'[\s\S]*Did you mean get\?/],
    [['get'], /missing required argument/],
    [['get', 'endpoints', '--wide'], /unknown option '--wide'/],
    [['get', 'endpoints', '-o', 'xml'], /Allowed choices are table, wide, name, json, yaml/],
    [['get', 'endpoints', '--limit', '0'], /whole number from 1/],
    [['get', 'endpoints', '--timeout', 'soon'], /--timeout soon: write a duration/],
    [['get', 'endpoints', '-A', '-W', 'x'], /not both/],
    [['apply'], /required option '-f, --filename <path>'/],
  ])('%j exits 2 with a sentence on stderr and nothing on stdout', async (argv, sentence) => {
    const { status, stdout, stderr } = await cli(argv)
    expect(status).toBe(2)
    expect(stderr).toMatch(sentence)
    expect(stdout).toBe('')
  })

  test('a global flag counts before the verb, after it, and below a group of verbs', async () => {
    for (const argv of [
      ['-W', 'get', 'context', 'list', '-o', 'json'],
      ['context', '-o', 'json'],
      ['-o', 'json', 'context'],
    ])
      expect((await cli(argv)).stdout).toBe('[]\n')
  })

  test('without a chosen server says how to get one', async () => {
    const { status, stderr } = await cli(['get', 'endpoints'])
    expect(status).toBe(2)
    expect(stderr).toContain('switchyard up')
    expect(stderr).toContain('switchyard login')
  })

  test('a server that is not there is unavailable, in a sentence', async () => {
    const env = { SWITCHYARD_URL: 'http://127.0.0.1:9', SWITCHYARD_TOKEN: 'x' }
    const { status, stderr } = await cli(['get', 'endpoints'], { env })
    expect(status).toBe(9)
    expect(stderr).toBe(
      'unavailable: Cannot reach http://127.0.0.1:9 (ECONNREFUSED): is it running? `switchyard up` starts it.\n',
    )
  })

  test('tells versions even when the server does not answer', async () => {
    const { status, stdout, stderr } = await cli(['version'], {
      env: { SWITCHYARD_URL: 'http://127.0.0.1:9' },
    })
    expect(status).toBe(0)
    expect(stdout).toContain(`node       ${process.versions.node}`)
    expect(stderr).toContain('no answer')
  })

  test('completes every command in every shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { status, stdout } = await cli(['completion', shell])
      expect(status).toBe(0)
      for (const word of ['describe', 'rotate', 'endpoints', 'all-workspaces']) expect(stdout).toContain(word)
    }
  })
})

describe('the exit status', () => {
  test.each(codes)('of %s is that of the table, and its words go to stderr', code => {
    const lines: string[] = []
    const stderr = { write: (text: string) => lines.push(text) }
    const terminal = { stderr, env: {}, signal: new AbortController().signal } as unknown as Parameters<
      typeof report
    >[1] // report reads no more
    const fault = new Fault(code, 'Do this.', { details: [{ path: 'spec.x', rule: 'r', message: 'is bad' }] })
    expect(report(fault, terminal, { verbose: false, color: 'auto' })).toBe(exitStatus[code])
    expect(lines.join('')).toBe(`${code}: Do this.\n  spec.x: is bad\n`)
  })
  test('of a mistake of ours is 10, with its stack only when asked', () => {
    const lines: string[] = []
    const terminal = {
      stderr: { write: (text: string) => lines.push(text) },
      env: {},
      signal: new AbortController().signal,
    }
    const given = terminal as unknown as Parameters<typeof report>[1] // report reads no more
    expect(report(new TypeError('oops'), given, { verbose: false, color: 'never' })).toBe(10)
    expect(lines.join('')).not.toContain('at ')
    report(new TypeError('oops'), given, { verbose: true, color: 'never' })
    expect(lines.join('')).toContain('program.test.ts')
  })
})

describe('colour', () => {
  const home = folder()
  const bold = '\u001b[1m'
  const list = (given: Parameters<typeof cli>[1], ...flags: string[]) =>
    cli(['explain', ...flags], { home, ...given })
  test('is for terminals', async () => {
    expect((await list({ tty: true })).stdout).toContain(bold)
    expect((await list({})).stdout).not.toContain('\u001b')
    expect((await list({ tty: true, env: { NO_COLOR: '1' } })).stdout).not.toContain('\u001b')
    expect((await list({ tty: true }, '--color', 'never')).stdout).not.toContain('\u001b')
    expect((await list({}, '--color', 'always')).stdout).toContain(bold)
  })
})

describe('naming documents', () => {
  test('takes kinds by singular, plural and short name', () => {
    for (const { kind, plural, short } of kinds)
      for (const word of [kind, kind.toLowerCase(), plural, ...short]) expect(kindNamed(word).kind).toBe(kind)
    expect(() => kindNamed('endpont')).toThrow('There is no kind endpont; did you mean Endpoint?')
  })
  test('reads KIND NAME…, KIND/NAME… and kinds with commas', () => {
    const named = (...words: string[]) =>
      readTargets(words, 'team').refs.map(({ kind, workspace, name }) => [kind.kind, workspace, name])
    expect(named('ep', 'a', 'b')).toEqual([
      ['Endpoint', 'team', 'a'],
      ['Endpoint', 'team', 'b'],
    ])
    expect(named('endpoint/a', 'model/platform/tiny', 'user/ada')).toEqual([
      ['Endpoint', 'team', 'a'],
      ['Model', null, 'tiny'],
      ['User', null, 'ada'],
    ])
    expect(readTargets(['ep,models'], 'team').kinds.map(({ kind }) => kind)).toEqual(['Endpoint', 'Model'])
    expect(() => named('endpoint/a', 'b')).toThrow('KIND/NAME')
  })
})

describe('what wait can wait for', () => {
  const endpoint = kindNamed('endpoint')
  const document = (phase: string, status: string, observedGeneration: number) => ({
    apiVersion: 'switchyard.dev/v1' as const,
    kind: 'Endpoint',
    metadata: { generation: 2 } as never, // all that is read
    spec: {},
    status: {
      phase,
      conditions: [{ type: 'Ready', status, reason: 'Ready', message: '', observedGeneration }],
    },
  })
  test.each([
    ['condition=Ready', document('Ready', 'True', 2), 'yes'],
    ['condition=Ready', document('Ready', 'True', 1), 'wait'],
    ['condition=ready=false', document('Starting', 'False', 2), 'yes'],
    ['phase=paused', document('Paused', 'False', 2), 'yes'],
    ['phase=Paused', document('Ready', 'True', 2), 'wait'],
    ['delete', document('Ready', 'True', 2), 'wait'],
  ])('%s of %j is %s', (what, seen, verdict) => {
    expect(readFor(what, endpoint).decide(seen, seen)).toBe(verdict)
  })
  test('a document that is gone answers no, or yes when that was wanted', () => {
    expect(readFor('condition=Ready', endpoint).decide(undefined, undefined)).toBe('no')
    expect(readFor('delete', endpoint).decide(undefined, undefined)).toBe('yes')
  })
  test.each([
    ['condition=Raedy', 'it has Resolved, Placed, QuotaOk, Ready'],
    ['phase=Sleeping', 'its phases are Pending'],
    ['ready', 'write condition=TYPE'],
  ])('%s can never come true and says why', (what, words) => {
    expect(() => readFor(what, endpoint)).toThrow(words)
  })
})

describe('explain', () => {
  test('knows every field of every kind', () => {
    for (const kind of kinds) expect(schemaAt(kind, [])).toHaveProperty('type', 'object')
    expect(schemaAt(kindNamed('endpoint'), ['rollout', 'maxSurge'])).toMatchObject({
      type: 'integer',
      default: 1,
    })
    expect(schemaAt(kindNamed('engine'), ['spec', 'versions', 'binary'])).toMatchObject({ type: 'string' })
    expect(schemaAt(kindNamed('engine'), ['arguments', 'flag'])).toMatchObject({ type: 'string' })
    expect(() => schemaAt(kindNamed('endpoint'), ['rollout', 'speed'])).toThrow('there are: maxSurge')
  })
  test('shows a kind of several shapes as one, with the fields of all', async () => {
    const { stdout } = await cli(['explain', 'guardrail'])
    expect(stdout).toMatch(/^kind +one of keyword, pattern, pii, injection, schema, webhook +required/m)
    expect(stdout).toMatch(/^action +one of block, redact, flag +default "block"/m)
    for (const field of ['words', 'patterns', 'types', 'sensitivity', 'schema', 'url', 'timeoutMs'])
      expect(stdout).toMatch(new RegExp(`^${field} +(?!.*required)`, 'm'))
  })
  test('prints fields with type, rule and meaning', async () => {
    const { stdout } = await cli(['explain', 'endpoint'])
    expect(stdout).toMatch(/^replicas +integer +0 to 1000; default 1$/m)
    expect(stdout).toMatch(/^route +one of auto, none/m)
  })
})

test('every phase that suggests a next command is a phase of its kind', () => {
  for (const { kind, phases } of kinds)
    for (const phase of phases) {
      const metadata = { name: 'x', workspace: 'w' } as never // all that is read
      const commands = nextCommands({
        apiVersion: 'switchyard.dev/v1',
        kind,
        metadata,
        spec: {},
        status: { phase },
      })
      for (const command of commands) expect(command).toMatch(/^switchyard /)
    }
})
