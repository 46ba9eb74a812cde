// A thousand callers at four gateways at once, in as many contests as there are levels and dimensions of limits: in each of
// them twenty calls fit.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { limitsSchema } from '@switchyard/kinds'
import type { Limiter } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { redisBinary, startRedis } from '../../drivers/test/limits-redis-server.ts'
import { Bed, document } from './bed.ts'
import type { Order } from './limits-race.child.ts'
import { ScriptedUpstream } from './upstream.ts'

const program = fileURLToPath(new URL('./limits-race.child.ts', import.meta.url))
const processes = 4
const callers = 1000
const fits = 20
const patient = { timeout: 90_000, interval: 50 }

const levels = ['platform', 'workspace', 'project', 'key', 'model'] as const
const words = {
  requests: 'requests',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
  tokens: 'tokens',
  concurrency: 'requests at once',
  money: 'money',
} as const
type Dimension = keyof typeof words
const dimensions = Object.keys(words) as readonly Dimension[] // of a table whose keys are these

interface Contest {
  /** Of its workspace, its model and its key. */
  readonly name: string
  readonly level: (typeof levels)[number]
  readonly dimension: Dimension
}
const contests: readonly Contest[] = levels.flatMap(level =>
  dimensions.map(dimension => ({ name: `${level}-${dimension.toLowerCase()}`, level, dimension })),
)

const bodyOf = ({ name }: Contest) =>
  JSON.stringify({ model: name, messages: [], max_tokens: 10, stream: true })

/** Twenty calls of the contest and no more, as its tight limit. */
function tight(contest: Contest): object {
  const input = Math.ceil(bodyOf(contest).length / 3)
  // A little is held above the price of a call, for what may be rounded up.
  const most = {
    requests: { perMinute: fits },
    inputTokens: { perMinute: fits * input },
    outputTokens: { perMinute: fits * 10 },
    tokens: { perMinute: fits * (input + 10) },
    concurrency: fits,
    money: { perMonth: `${fits * (input + 10)}.1`, currency: 'USD' },
  } as const satisfies Record<Dimension, unknown>
  return { [contest.dimension]: most[contest.dimension] }
}

const wide = { requests: { perMinute: 1_000_000 }, money: { perMonth: '1000000', currency: 'USD' } }

let stack: AsyncDisposableStack
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync())

/** Every contest with its workspace, its key and its model, and the limit at its level. */
async function set(
  limiter: Limiter,
): Promise<{ bed: Bed; engine: ScriptedUpstream; keys: ReadonlyMap<Contest, string> }> {
  const engine = stack.use(await ScriptedUpstream.start())
  const bed = stack.use(await Bed.start({}, {}, { limiter }))
  const keys = new Map<Contest, string>()
  bed.together(() => {
    bed.priceBook('sale', {
      side: 'sale',
      rates: (['tok.in.*', 'tok.out.*'] as const).map(unit => ({ model: '*', unit, price: '1', per: 1 })),
    })
    const platform = contests.filter(({ level }) => level === 'platform')
    bed.limits = limitsSchema.parse({
      models: Object.fromEntries(platform.map(one => [one.name, tight(one)])),
    })
    for (const contest of contests) {
      const { name: workspace, level } = contest
      const at = (which: Contest['level']) =>
        limitsSchema.parse(which === level ? { ...wide, ...tight(contest) } : wide)
      bed.add(document('Workspace', null, workspace, { currency: 'USD', limits: at('workspace') }))
      bed.add(document('Project', workspace, 'lab', { archived: false, limits: at('project') }))
      bed.endpoint(workspace, [engine.address], { workspace })
      const single =
        level === 'model'
          ? limitsSchema.parse({ ...wide, models: { [workspace]: tight(contest) } })
          : at('key')
      keys.set(contest, bed.key({ workspace, project: 'lab', spec: { limits: single } }))
    }
  })
  return { bed, engine, keys }
}

async function gateways(
  url: string,
  { documents, keyHashes, grants, books, limits }: Bed,
): Promise<readonly string[]> {
  const order: Order = { url, inputs: { documents, keyHashes, grants, books, limits } }
  return Promise.all(
    Array.from({ length: processes }, async () => {
      const child = fork(program)
      stack.defer(() => void child.kill('SIGKILL'))
      child.send(order)
      const [{ port }] = (await once(child, 'message')) as [{ port: number }] // what it listens on
      return `http://127.0.0.1:${port}`
    }),
  )
}

interface Answer {
  readonly contest: Contest
  readonly status: number
  readonly body: string
}

const ask = (url: string, contest: Contest, keys: ReadonlyMap<Contest, string>) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys.get(contest)}`, 'content-type': 'application/json' },
    body: bodyOf(contest),
  })

async function race(url: string, limiter: Limiter): Promise<void> {
  const { bed, engine, keys } = await set(stack.use(limiter))
  const urls = await gateways(url, bed)
  // Nobody has ended before all have been heard.
  engine.always('one by one')
  const start = Date.now()
  const refused: Answer[] = []
  const answers = Array.from({ length: callers }, async (_, i): Promise<Answer> => {
    const contest = contests[i % contests.length]!
    const response = await ask(urls[i % processes]!, contest, keys)
    const answer = { contest, status: response.status, body: await response.text() }
    if (answer.status !== 200) refused.push(answer)
    return answer
  })
  await vi.waitFor(() => expect(refused.length + engine.seen.length).toBe(callers), patient)
  const lasted = Date.now() - start
  const admitted = Map.groupBy(engine.seen, ({ body }) =>
    String((JSON.parse(body.toString()) as { model: unknown }).model),
  )
  console.info(
    `${callers} callers in ${lasted} ms: ${engine.seen.length} admitted, ${refused.length} refused`,
  )
  for (const { name, level, dimension } of contests) {
    // What has drained meanwhile lets others in; money and seats come back to nobody.
    const drained =
      dimension === 'money' || dimension === 'concurrency' ? 0 : Math.ceil((fits * lasted) / 60_000)
    const passed = admitted.get(name)?.length ?? 0
    expect(passed, name).toBeGreaterThanOrEqual(fits)
    expect(passed, name).toBeLessThanOrEqual(fits + drained)
    const told = refused.filter(({ contest }) => contest.name === name)
    expect(passed + told.length, name).toBeGreaterThanOrEqual(Math.floor(callers / contests.length))
    expect(new Set(told.map(({ status }) => status)), name).toEqual(new Set([429]))
    const named = level === 'model' ? 'key' : level
    for (const { body } of told) expect(body, name).toContain(`limit of ${words[dimension]} of the ${named}`)
  }
  engine.step(1_000_000)
  const all = await Promise.all(answers)
  expect(all.filter(({ status }) => status === 200)).toHaveLength(engine.seen.length)
  await agree(bed, admitted)
  engine.always('good')
  const first = contests.find(({ name }) => name === 'key-requests')!
  await comesTrue(() => ask(urls[0]!, first, keys))
}

/** Of what was refused nothing is left anywhere: each limit of money has paid for what was answered, and no more. */
async function agree(bed: Bed, admitted: ReadonlyMap<string, readonly unknown[]>): Promise<void> {
  for (const [index, contest] of contests.entries()) {
    const { name } = contest
    const spent = 10 * (admitted.get(name)?.length ?? 0) // 7 tokens in and 3 out
    const asked = { workspace: name, model: name, key: `key-${index}` }
    await vi.waitFor(async () => {
      const { limits } = await bed.gateway.explain(asked)
      const purses = limits.filter(({ dimension }) => dimension === 'money')
      // Three levels, and the fourth or a single model beside it where the contest is there.
      expect(purses.length, name).toBeGreaterThanOrEqual(3 - Number(contest.dimension === 'money'))
      for (const { limit, remaining } of purses)
        expect(Number(limit) - Number(remaining), name).toBeCloseTo(spent, 6)
    }, patient)
  }
}

/** A refused call passes at the moment that its refusal has told, to 50 ms. */
async function comesTrue(ask: () => Promise<Response>): Promise<void> {
  const timed = async () => {
    const sent = Date.now()
    const { status, headers } = await ask()
    return { sent, heard: Date.now(), status, wait: Number(headers.get('retry-after-ms')) }
  }
  let refused = await timed()
  while (refused.status === 200) refused = await timed()
  expect(refused.status).toBe(429)
  const { sent, heard, wait } = refused
  await sleep(Math.max(0, sent + wait - 150 - Date.now()))
  const early = await timed()
  if (early.heard < sent + wait - 50) expect(early.status).toBe(429)
  await sleep(Math.max(0, heard + wait + 50 - Date.now()))
  expect((await timed()).status).toBe(200)
}

describe('L1: a thousand calls over four processes', { timeout: 180_000 }, () => {
  test('pass no limit in PostgreSQL, at any level and of any dimension', async () => {
    const db = stack.use(await testDatabase())
    await race(db.url, openPostgresLimiter({ url: db.url }))
  })

  test.skipIf(!redisBinary)('pass no limit in Redis, at any level and of any dimension', async () => {
    const server = stack.use(await startRedis())
    await race(server.url, await openRedisLimiter({ url: server.url }))
  })
})
