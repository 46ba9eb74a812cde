// What `up` says when it can't: one sentence that tells a person what to do, and nothing left running.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { freePort, switchyard } from './yard.ts'

const folder = mkdtempSync(join(tmpdir(), 'refusals-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const up = async (...argv: string[]) =>
  switchyard(folder, ['up', '--detach', '--port', String(await freePort()), ...argv])
const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? ''

describe('up refuses', () => {
  test('a busy port', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await new Promise(done => squatter.once('listening', done))
    const { port } = squatter.address() as { port: number } // a TCP server has a port
    const refused = await up('--data', join(folder, 'a'), '--port', String(port))
    squatter.close()
    expect(refused.code).toBe(6)
    expect(lastLine(refused.stderr)).toContain(
      `Port ${port} is in use: stop the program that listens there, or choose another with --port ${port + 1}.`,
    )
  })

  test('a folder that it may not write', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const refused = await up('--data', join(file, 'below'))
    expect(refused.code).toBe(4)
    expect(lastLine(refused.stderr)).toMatch(
      /Cannot write in .*: choose a folder that you own with --data DIR\.$/,
    )
  })

  test('a database that is not there', async () => {
    const refused = await up(
      '--data',
      join(folder, 'b'),
      '--database-url',
      `postgres://nobody:pw@127.0.0.1:${await freePort()}/none`,
    )
    expect(refused.code).toBe(9)
    expect(lastLine(refused.stderr)).toMatch(/database/i)
    expect(lastLine(refused.stderr)).not.toContain('pw')
  })

  test('a model that is not a GGUF file', async () => {
    const missing = await up('--data', join(folder, 'c'), '--model', join(folder, 'absent.gguf'))
    expect(missing.code).toBe(2)
    expect(lastLine(missing.stderr)).toContain('absent.gguf')
    const text = join(folder, 'notes.gguf')
    writeFileSync(text, 'not a model')
    const refused = await up('--data', join(folder, 'c'), '--model', text)
    expect(refused.code).toBe(2)
    expect(lastLine(refused.stderr)).toMatch(/is not a GGUF file/)
  })

  test('a model that is cut short, and leaves nothing running', async () => {
    const whole = readFileSync(new URL('../../models/tiny/switchyard-tiny.gguf', import.meta.url))
    const cut = join(folder, 'cut.gguf')
    writeFileSync(cut, whole.subarray(0, 600_000))
    const data = join(folder, 'd')
    const refused = await up('--data', data, '--model', cut)
    expect(refused.code).toBe(2)
    expect(lastLine(refused.stderr)).toMatch(/cut short/)
    const commands = readdirSync('/proc')
      .filter(entry => /^\d+$/.test(entry))
      .map(pid => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        } catch {
          return '' // ended between the listing and the look
        }
      })
    expect(commands.filter(command => command.includes(data))).toEqual([])
  })
})
