// Providers at addresses that are not theirs to have: nothing is ever dialled there.
import { provider } from '@switchyard/kinds'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed, document } from './bed.ts'
import { expectTold } from './told.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string
beforeEach(async () => {
  bed = await Bed.start({ connect: 500 })
  engine = await ScriptedUpstream.start()
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

/** A provider that was written before the rules were, or around them. */
function lone(baseUrl: string, allowCidrs: readonly string[] = []): void {
  const spec = { type: 'deepseek', baseUrl, allowCidrs, models: [], headers: {}, share: 'none' }
  bed.add(document('Provider', 'default', 'p', spec))
  bed.route('m', { retries: { attempts: 1 }, tiers: [{ targets: [{ provider: 'p', model: 'm' }] }] })
}

const asks = async () => {
  await expectTold(await bed.chat(key, { model: 'm' }), 'openai', 'upstream_error')
  await expectTold(await bed.chat(key, { model: 'm', stream: true }), 'openai', 'upstream_error')
}
const port = () => new URL(engine.url()).port

describe('F11: a provider', () => {
  test.each([
    ['127.0.0.1'],
    ['[::1]'],
    ['[::ffff:127.0.0.1]'],
    ['169.254.169.254'],
    ['[::ffff:10.0.0.1]'],
    ['0.0.0.0'],
    ['2130706433'],
  ])('at %s is never dialled, and callers are not told where it is', async host => {
    lone(`http://${host}:${port()}/v1`)
    await asks()
    expect(engine.connected).toBe(0)
  })

  test.each([
    ['to an address of this machine', ['127.0.0.1']],
    ['to a public address and one of this machine', ['93.184.215.14', '127.0.0.1']],
    ['to a mapped address', ['::ffff:127.0.0.1']],
    ['to nothing', []],
    ['to what is no address', ['localhost']],
  ])('whose name leads %s is never dialled', async (_, addresses) => {
    const asked: string[] = []
    bed.resolve = async host => {
      asked.push(host)
      return addresses
    }
    lone(`http://inside.example:${port()}/v1`)
    await asks()
    expect(engine.connected).toBe(0)
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.every(host => host === 'inside.example')).toBe(true)
  })

  test('whose name leads elsewhere at every look is dialled at the address that was judged alone', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']]
    let looks = 0
    bed.resolve = async () => answers[looks++] ?? []
    lone(`http://inside.example:${port()}/v1`, ['127.0.0.0/8'])
    expect((await bed.chat(key, { model: 'm' })).status).toBe(200)
    expect(looks).toBe(1)
    expect(engine.seen[0]?.headers.host).toBe(`inside.example:${port()}`)
  })

  test('that an administrator has opened an address for is dialled there and nowhere else', async () => {
    lone(engine.url(undefined, '/v1'), ['10.0.0.0/8'])
    await asks()
    expect(engine.connected).toBe(0)
    bed.change('Provider', 'p', { spec: { allowCidrs: ['127.0.0.1/32'] } })
    expect((await bed.chat(key, { model: 'm' })).status).toBe(200)
  })

  test('that redirects is not followed', async () => {
    await using elsewhere = await ScriptedUpstream.start()
    engine.redirectTo = elsewhere.url()
    engine.always('redirect')
    lone(engine.url(undefined, '/v1'), ['127.0.0.0/8'])
    await asks()
    expect(engine.seen).toHaveLength(2)
    expect(elsewhere.connected).toBe(0)
  })

  test.each([
    'http://127.0.0.1:1/v1',
    'https://169.254.169.254',
    'https://[::ffff:10.0.0.1]/v1',
    'https://localhost',
  ])('at %s cannot be written', baseUrl => {
    const { success, error } = provider.spec.safeParse({ type: 'deepseek', baseUrl })
    expect(success).toBe(false)
    expect(error?.issues[0]?.message).toMatch(/must not point at .+: an administrator may open/)
  })
})
