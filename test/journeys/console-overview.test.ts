// The overview and the page of an endpoint, with real requests through the gateway: what they say is what the API says.
import { appendFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, findingsOf, hasChromium } from './browser.ts'
import { eventually } from './yard.ts'

const asked = 5

describe.skipIf(!hasChromium)('the overview', { timeout: 240_000 }, () => {
  const opened = useConsole(async ({ yard }) => {
    for (let at = 0; at < asked; at++)
      await yard.openai().chat.completions.create({
        model: yard.facts.model,
        max_tokens: 8,
        messages: [{ role: 'user', content: `Hello ${at}` }],
      })
    const stream = await yard.openai().chat.completions.create({
      model: yard.facts.model,
      max_tokens: 8,
      stream: true,
      messages: [{ role: 'user', content: 'Hello again' }],
    })
    await Array.fromAsync(stream)
  })
  const { visit, read } = opened
  const pageOf = () => `/console/endpoints/default/${opened.yard.facts.model}`

  interface Totals {
    readonly requests: string
    readonly tokens: { readonly input: string; readonly output: string }
    readonly firstToken?: { readonly p50: number }
  }
  const totals = async (query: Record<string, string> = {}) => {
    const hour = 3_600_000
    const to = Math.ceil(Date.now() / hour) * hour
    const span = { from: new Date(to - 24 * hour).toISOString(), to: new Date(to).toISOString() }
    const search = new URLSearchParams({ ...span, ...query }).toString()
    return (await read<{ readonly total: Totals }>(`/api/v1/traffic?${search}`)).total
  }

  beforeAll(async () => {
    await eventually('the usage to be in', 90, async () =>
      Number((await totals()).requests) > asked ? true : undefined,
    )
  }, 100_000)

  test('says the numbers of the API, each a link to where it comes from, and keeps the period in its address', async () => {
    const { page: seen, complaints } = await visit('/console', { as: ada })
    const { requests, tokens } = await totals()
    const tile = (name: string) => seen.locator('.numbers a').filter({ hasText: name })
    await tile('Requests').locator('strong').getByText(requests, { exact: true }).waitFor()
    const sum = Number(tokens.input) + Number(tokens.output)
    expect(await tile('Tokens').locator('strong').textContent()).toBe(String(sum))
    expect(await tile('Errors').locator('strong').textContent()).toBe('0%')
    expect(await tile('Latency').locator('strong').textContent()).toMatch(/\d/)
    const { firstToken } = await totals()
    expect(firstToken?.p50).toBeGreaterThan(0)
    await tile('Time to first token').locator('strong').getByText(/\d/).waitFor()
    expect(await tile('Time to first token').getAttribute('href')).toContain('firstTokenFrom=0')
    expect(await tile('Tokens').getAttribute('href')).toContain('/console/usage')
    expect(await tile('Errors').getAttribute('href')).toContain('/console/requests')
    await seen.locator('.uplot').first().waitFor()
    // What is drawn is told too.
    const told = seen.getByRole('table', { name: 'Requests' })
    expect(await told.getByRole('row', { name: /^Answered/ }).textContent()).toContain(requests)
    expect(await findingsOf(seen)).toEqual([])
    await seen.getByText('7 days').click()
    await seen.waitForURL(/period=7d/)
    expect(complaints).toEqual([])
    await seen.close()
  })

  test('an endpoint has its replicas, its requests, and a call with the own rights of whoever tests it', async () => {
    const { page: seen, complaints } = await visit(`${pageOf()}?tab=replicas`, { as: ada })
    await seen.getByText('1 of 1 replicas ready').waitFor()
    const replicas = seen.getByRole('region', { name: 'Replicas' })
    await replicas.getByRole('link', { name: `${opened.yard.facts.model}-1-0`, exact: true }).waitFor()
    expect(await findingsOf(seen)).toEqual([])
    await seen.getByRole('tab', { name: 'Test call' }).click()
    await seen.getByRole('button', { name: 'Send' }).click()
    await seen.getByText('Whole answer').waitFor()
    expect(await seen.getByRole('region', { name: 'Answer' }).textContent()).not.toBe('')
    expect(await findingsOf(seen)).toEqual([])
    await eventually('the call to be metered as hers', 30, async () =>
      (await totals({ key: 'user/ada' })).requests === '1' ? true : undefined,
    )
    await seen.getByRole('tab', { name: 'Metrics' }).click()
    const told = seen.getByRole('table', { name: 'Requests' })
    await told.getByRole('row', { name: /^Answered/ }).waitFor()
    expect(await findingsOf(seen)).toEqual([])
    expect(complaints).toEqual([])
    await seen.close()
  })

  test('logs follow what is written after they were opened, are searched, and wait when they are told to', async () => {
    const { page: seen, complaints } = await visit(`${pageOf()}?tab=logs`, { as: ada })
    const log = seen.getByRole('region', { name: 'Logs' })
    await log.getByText('listening on').waitFor()
    const folder = join(opened.yard.folder, '.switchyard')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    const file = files.find(name => basename(name) === 'log')
    expect(file).toBeDefined()
    const write = (text: string) => appendFileSync(join(folder, file ?? ''), `${text}\n`)
    write('a line that came later')
    await log.getByText('a line that came later').waitFor()
    await seen.getByRole('button', { name: 'Pause' }).click()
    write('a line that waits')
    await seen.getByRole('button', { name: 'Go on (1 new line)' }).click()
    await log.getByText('a line that waits').waitFor()
    await seen.getByRole('searchbox', { name: 'Search lines' }).fill('LATER')
    await seen.getByText(/^1 of \d+ lines$/).waitFor()
    expect(await log.locator('mark').textContent()).toBe('later')
    expect(await findingsOf(seen)).toEqual([])
    await seen.goto(
      `${opened.yard.facts.baseUrl}/console/replicas/default/${opened.yard.facts.model}-1-0?tab=logs`,
    )
    await log.getByText('listening on').waitFor()
    expect(complaints).toEqual([])
    await seen.close()
  })

  test('all of it is there in Chinese', async () => {
    const { page: seen, complaints } = await visit('/console', { locale: 'zh-CN', as: ada })
    await seen.locator('.numbers a').filter({ hasText: '请求数' }).waitFor()
    await seen.getByText('首 Token 延迟 p50').waitFor()
    for (const [tab, word] of [
      ['replicas', '1 / 1 个副本就绪'],
      ['logs', '自动换行'],
      ['metrics', '请求耗时'],
      ['test', '最大 Token 数'],
    ] as const) {
      await seen.goto(`${opened.yard.facts.baseUrl}${pageOf()}?tab=${tab}`)
      await seen.getByText(word).first().waitFor()
    }
    expect(complaints).toEqual([])
    await seen.close()
  })
})
