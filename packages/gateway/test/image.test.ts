// Pictures of 10 MB hold up nobody.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Bed } from './bed.ts'
import type { Order, Passed } from './image.child.ts'
import { digest, imageBody, imageSource } from './image.ts'
import { longestTurn } from './turns.ts'

const callers = 4
let child: ChildProcess
let url = ''
beforeAll(async () => {
  child = fork(new URL('./image.child.ts', import.meta.url).pathname)
  ;[url] = (await once(child, 'message')) as [string] // its upstream
})
afterAll(async () => {
  child.disconnect()
  await once(child, 'exit')
})

async function start() {
  const bed = await Bed.start()
  bed.provider('alike', { type: 'deepseek', baseUrl: `${url}/v1` })
  bed.provider('other', { type: 'anthropic', baseUrl: `${url}/v1` })
  for (const provider of ['alike', 'other']) {
    const tiers = [{ targets: [{ provider, model: 'up' }] }]
    bed.route(provider, { tiers })
    // That a route goes by a member of the body makes no string of the others.
    bed.route(`golden-${provider}`, {
      names: [provider],
      priority: 1,
      match: { metadata: { tier: 'gold' } },
      tiers,
    })
  }
  const key = bed.key()
  const pass = async (model: string): Promise<Passed> => {
    child.send({ url: bed.url, key, model, callers } satisfies Order)
    const [passed] = (await once(child, 'message')) as [Passed] // the one answer
    return passed
  }
  return { bed, pass }
}

const each = <T>(value: T) => Array.from({ length: callers }, () => value)

describe('B5: pictures of 10 MB from four callers at once', () => {
  test('arrive as they were sent, and none becomes a string', async () => {
    const { bed, pass } = await start()
    await using _bed = bed
    const sent = digest(imageBody('up'))
    const source = digest(JSON.stringify(imageSource))
    using texts = vi.spyOn(Buffer.prototype, 'toString')
    const alike = await pass('alike')
    const other = await pass('other')
    const longest = Math.max(...texts.mock.results.map(({ value }) => String(value).length))
    expect(alike).toMatchObject({ statuses: each(200), digests: each(sent) })
    expect(other).toMatchObject({ statuses: each(200), sources: each(source) })
    expect(longest).toBeLessThan(64 * 1024)
  })

  test.each([
    ['alike', 20],
    ['other', 30],
  ])('hold up nobody on their way to an upstream that is %s: no turn takes %i ms', async (model, most) => {
    const { bed, pass } = await start()
    await using _bed = bed
    const turns: number[] = []
    // The first pays for compilation.
    for (let round = 0; round < 5 && Math.min(Infinity, ...turns) >= most; round++)
      turns.push(
        await longestTurn(async () => {
          expect((await pass(model)).statuses).toEqual(each(200))
        }),
      )
    console.log(
      `the longest turns of rounds to ${model}: ${turns.map(turn => turn.toFixed(1)).join(', ')} ms`,
    )
    expect(Math.min(...turns)).toBeLessThan(most)
  })
})
