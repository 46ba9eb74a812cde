// Training: the seed alone decides the file.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'train-'))
})
afterAll(() => rm(folder, { recursive: true }))

const fileOf = (name: string) => join(folder, `${name}.gguf`)

function train(name: string, ...options: readonly string[]): ChildProcess {
  const script = join(import.meta.dirname, '../tiny/train.ts')
  const places = ['--out', fileOf(name), '--checkpoint', join(folder, `${name}.state`)]
  return spawn(process.execPath, [script, '--steps', '4', '--save-every', '1', ...places, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function finished(training: ChildProcess): Promise<void> {
  training.stdout?.resume()
  await once(training, 'close')
  if (training.exitCode !== 0) throw new Error(`training ended with ${training.exitCode}`)
}

describe('training', () => {
  test('gives the same file with one worker, with two, and after it was killed and resumed', async () => {
    await finished(train('one'))
    const expected = await readFile(fileOf('one'))

    await finished(train('two', '--workers', '2'))
    expect(expected.equals(await readFile(fileOf('two')))).toBe(true)

    const killed = train('killed')
    const lines = createInterface({ input: killed.stdout ?? process.stdin })
    lines.on('line', line => {
      if (line === 'saved step 1') killed.kill('SIGKILL')
    })
    await once(killed, 'close')
    expect(existsSync(fileOf('killed'))).toBe(false)
    await finished(train('killed'))
    expect(expected.equals(await readFile(fileOf('killed')))).toBe(true)
  }, 400_000)
})
