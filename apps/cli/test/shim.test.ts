// The shim is run by the oldest Node that this machine has: it must hand over to the pinned one.
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folder } from './harness.ts'

const root = resolve(import.meta.dirname, '../../..')
const shim = join(root, 'bin/switchyard.mjs')
const major = (node: string) =>
  Number(execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }))
const old = ['/usr/bin/node', '/usr/local/bin/node'].find(node => existsSync(node) && major(node) < 24)

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

function start(
  node: string,
  argv: readonly string[],
  cwd: string,
  {
    path = shim,
    env: further = {},
  }: { readonly path?: string; readonly env?: Readonly<Record<string, string>> } = {},
) {
  const env = { PATH: process.env.PATH, HOME: cwd, XDG_CONFIG_HOME: cwd, ...further }
  const child = spawn(node, [path, ...argv], { cwd, env })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<Ended>(done => {
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }))
  })
  return { child, ended }
}

describe('the shim', () => {
  test('runs the program on a Node that can', async () => {
    const { code, stdout } = await start(process.execPath, ['version'], folder()).ended
    expect(code).toBe(0)
    expect(stdout).toContain(`node       ${process.versions.node}`)
  })

  test('holds to syntax and modules that Node 14 knows', () => {
    const text = readFileSync(shim, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    expect(text).not.toMatch(/\?\?=|\|\|=|&&=|\bawait\b|#[a-z]+\s*[=(]|\bwith\s*\{|\.at\(|\.findLast\(/)
    const modules = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name)
    expect(modules).toEqual(['node:child_process', 'node:fs', 'node:module', 'node:path', 'node:url'])
  })

  describe.skipIf(!old)('on a Node that is too old', () => {
    const node = old ?? ''
    test('hands over to the pinned one, with arguments, exit status and output', async () => {
      const here = folder()
      const { code, stdout } = await start(node, ['version'], here).ended
      expect(code).toBe(0)
      expect(stdout).toMatch(/^node {7}2[4-9]\./m)
      const refused = await start(node, ['get', 'endpoints', '-W', 'a b'], here).ended
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain('No server is chosen')
    })

    test('passes standard input and signals on', async () => {
      const { child, ended } = start(node, ['apply', '-f', '-', '--dry-run', 'client'], folder())
      child.stdin.end('apiVersion: switchyard.dev/v1\nkind: Workspace\nmetadata: { name: w }\nspec: {}\n')
      expect((await ended).stdout).toContain('workspace/w valid')

      // A server that is asked and never answers: the command waits, and is stopped there.
      const asked = Promise.withResolvers<void>()
      const server = createServer(() => asked.resolve())
      await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
      const address = server.address()
      if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
      const env = { SWITCHYARD_URL: `http://127.0.0.1:${address.port}`, SWITCHYARD_TOKEN: 'x' }
      const waiting = start(node, ['get', 'endpoints', '-w'], folder(), { env })
      await asked.promise
      waiting.child.kill('SIGTERM')
      expect((await waiting.ended).code).toBe(130)
      server.closeAllConnections()
      server.close()
    })

    test('says in a sentence what to do when there is no other Node', async () => {
      const place = folder()
      mkdirSync(join(place, 'bin'))
      cpSync(shim, join(place, 'bin/switchyard.mjs'))
      writeFileSync(join(place, 'package.json'), '{"type":"module"}')
      const { code, stderr } = await start(node, ['version'], place, {
        path: join(place, 'bin/switchyard.mjs'),
      }).ended
      expect(code).toBe(9)
      expect(stderr).toMatch(
        /^switchyard needs Node 24 or newer and this is \d+\.\d+\.\d+\. Run `npm install` in /,
      )
    })
  })
})
