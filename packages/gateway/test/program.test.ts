// The upstream as a program: benches run it beside the gateway, and it plays its acts by path.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { callers } from './callers.ts'

const main = new URL('./upstream/main.ts', import.meta.url).pathname
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})

async function run(...options: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [main, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return line
}

test('it answers as --act says, and below /act/NAME as that says', async () => {
  const url = await run('--act', 'status 503')
  const body = JSON.stringify(callers.openai.body('m', false))
  expect((await fetch(`${url}/v1/chat/completions`, { method: 'POST', body })).status).toBe(503)
  const good = await fetch(`${url}/act/good/v1/chat/completions`, { method: 'POST', body })
  expect(callers.openai.reply(await good.json()).text).toBe('one two three')
})

test.each(['anthropic', 'openai', 'gemini', 'ollama'] as const)(
  'a flood of 20 000 events arrives whole at a caller of %s, from another process',
  async caller => {
    const url = await run()
    await using bed = await Bed.start()
    bed.provider('p', { type: 'deepseek', baseUrl: `${url}/act/flood/v1` })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'm' }] }] })
    const { path, body, stream } = callers[caller]
    const got = stream(await (await bed.post(path('m', true), bed.key(), body('m', true))).text())
    expect(got.whole).toBe(true)
    expect(got.text).toBe(`${'one'.repeat(20_000)} two three`)
    expect(bed.journal.last.end).toBe('done')
  },
)
