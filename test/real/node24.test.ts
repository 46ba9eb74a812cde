// The floor that the bin promises: on Node 24 everything runs on that Node, with no other one to be found.
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engines, startYard, type Yard } from '../journeys/yard.ts'
import { node24, run, suite } from './tools.ts'

suite('Node 24', await node24(), node => {
  let yard: Yard
  beforeAll(async () => {
    yard = await startYard({ node, env: { PATH: '/usr/bin:/bin' } })
  })
  afterAll(() => yard?.[Symbol.asyncDispose]())

  test('is what runs here', async () => {
    expect((await run(node, ['--version'])).trim()).toBe('v24.21.0')
    expect((await yard.run('version')).stdout).toContain('24.21.0')
  })

  test('reaches a first token, and neither server nor engine runs on another Node', () => {
    expect(yard.started.stderr).toMatch(/First token: ".*\p{L}{2,}/u)
    const pids = [yard.serverPid(), ...engines(yard)]
    expect(pids).toHaveLength(2)
    expect(pids.map(pid => readlinkSync(`/proc/${pid}/exe`))).toEqual([node, node])
  })

  test('warns of nothing', () => {
    expect(yard.started.stderr).not.toMatch(/warning/i)
    expect(readFileSync(join(yard.folder, '.switchyard/server.log'), 'utf8')).not.toMatch(/warning/i)
  })

  test('streams to the official client and counts it', async () => {
    const stream = await yard.openai().chat.completions.create({
      model: yard.facts.model,
      messages: [{ role: 'user', content: 'Hello!' }],
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let tokens = 0
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? ''
      tokens += usage?.completion_tokens ?? 0
    }
    expect(text).toMatch(/\p{L}{2,}/u)
    expect(tokens).toBeGreaterThan(0)
  })

  test.each([
    ['get', 'endpoints,replicas'],
    ['describe', 'endpoint', 'switchyard-tiny'],
    ['chat', 'switchyard-tiny', 'Hello!'],
    ['keys', 'create', 'ci', '--owner', 'serviceaccount/quickstart'],
    ['usage', '--by', 'key,model'],
    ['logs', 'switchyard-tiny', '--tail', '5'],
    ['explain', 'endpoint'],
  ])('runs switchyard %s %s', async (...argv) => {
    const ran = await yard.run(...argv)
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.stdout).not.toBe('')
    expect(ran.stderr).not.toMatch(/warning/i)
  })

  test('goes down and comes up again on the same data', async () => {
    expect((await yard.run('down')).code).toBe(0)
    const again = await yard.up()
    expect(again.code, again.stderr).toBe(0)
  })
})
