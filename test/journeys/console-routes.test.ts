// Providers and routes in the console: tested, changed, and failing over while somebody looks at them.
import { apiVersion } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, buttonOf, findingsOf, hasChromium, type Locale, locales, ours } from './browser.ts'
import { type Double, keyOfDoubles, openDouble } from './double.ts'
import { begin, linkIn, say, wordsOf } from './first-steps.ts'
import { eventually } from './yard.ts'

/** What the tests look for, as each language says it. */
const said = {
  'en-US': {
    model: 'Model',
    flow: 'Flow',
    explain: 'Explain',
    goes: (upstream: string, tier: number) => `It would go to ${upstream}, in tier ${tier}.`,
    open: 'Failed or was slow too often: its breaker is open',
    test: 'Use and test',
    run: 'Test the connection',
    unreachable: 'Nothing answers there',
    attempt: (number: number) => `Attempt ${number} `,
  },
  'zh-CN': {
    model: '模型',
    flow: '流程',
    explain: '解释',
    goes: (upstream: string, tier: number) => `将发往第 ${tier} 层的 ${upstream}。`,
    open: '失败或过慢次数过多，熔断器已断开',
    test: '使用与测试',
    run: '测试连接',
    unreachable: '没有响应：',
    attempt: (number: number) => `第 ${number} 次尝试`,
  },
} as const satisfies Record<Locale, unknown>

describe.skipIf(!hasChromium)('providers and routes in the console', { timeout: 240_000 }, () => {
  const opened = useConsole(undefined, { isEmpty: true })
  const { visit } = opened
  const doubles: Double[] = []

  const make = (kind: string, name: string, spec: Record<string, unknown>) =>
    opened.yard.api.create({ apiVersion, kind, metadata: { name, workspace: 'default' }, spec })
  const ask = (model: string) => wordsOf(opened.yard, model)
  const double = async (name: string) => {
    const one = await openDouble(name)
    doubles.push(one)
    return one
  }
  const provider = (url: string) => ({
    type: 'openai-compatible',
    allowCidrs: ['127.0.0.0/8'],
    credential: 'key',
    baseUrl: url,
  })
  afterAll(async () => {
    for (const one of doubles) await one[Symbol.asyncDispose]()
  })

  test('in Chinese, too, the link that `up` prints leads to an administrator, a model and its first token', async () => {
    await begin(opened, linkIn(opened.yard.started.stdout), 'zh-CN')
  })

  describe('of doubles', () => {
    beforeAll(async () => {
      const { url } = await double('second')
      await make('Credential', 'key', { value: keyOfDoubles })
      await make('Credential', 'wrong-key', { value: 'sk-another' })
      await make('Provider', 'second', provider(url))
      await make('Provider', 'refused', { ...provider(url), credential: 'wrong-key' })
    }, 60_000)

    test('a connection is tested: what answers tells its models, a wrong key is said to be one', async () => {
      const { page, complaints } = await visit('/console/providers/default/second', { as: ada })
      await page.getByRole('tab', { name: 'Use and test' }).click()
      await page.getByRole('button', { name: 'Test the connection' }).click()
      await page.getByText('It answers, takes the credential and lists its models.').waitFor()
      const findings = await findingsOf(page)
      await page.goto(`${opened.yard.facts.baseUrl}/console/providers/default/refused`)
      await page.getByRole('tab', { name: 'Use and test' }).click()
      await page.getByRole('button', { name: 'Test the connection' }).click()
      await page.getByText('It answers and refuses the credential').waitFor()
      expect(await page.content()).not.toContain('sk-another')
      expect(findings).toEqual([])
      expect(complaints).toEqual([])
      await page.close()
    })

    test('weights and tiers are changed in the flow, and a request is explained by it', async () => {
      await make('Route', 'smart', {
        names: ['smart'],
        tiers: [
          { targets: [{ provider: 'second', model: 'large' }] },
          { targets: [{ endpoint: opened.yard.facts.model }] },
        ],
      })
      const { page, complaints } = await visit('/console/routes/default/smart', { as: ada })
      await page.getByRole('tab', { name: 'Flow' }).click()
      await page.getByRole('img', { name: /How requests flow: tier 1, by weight: second/ }).waitFor()
      await page.getByLabel('Weight of second').fill('50')
      await page.getByText('The server would accept it.').waitFor()
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Saved.').waitFor()
      const { spec } = (await opened.yard.api.get('Route', { workspace: 'default', name: 'smart' })) as {
        spec: { tiers: { targets: { weight: number }[] }[] }
      } // by its kind
      expect(spec.tiers[0]?.targets[0]?.weight).toBe(50)
      await page.getByRole('button', { name: 'Explain', exact: true }).click()
      await page.getByText('It would go to second, in tier 1.').waitFor()
      const findings = await findingsOf(page)
      expect(findings).toEqual([])
      expect(complaints).toEqual([])
      await page.close()
    })

    test.each(locales)(
      'a provider that breaks is seen where its routes flow, its caller is answered by the next, and the request tells by which attempt (%s)',
      async locale => {
        const words = said[locale]
        const name = `first-${locale.toLowerCase()}`
        const route = `smart-${locale.toLowerCase()}`
        const first = await double(name)
        await make('Provider', name, { ...provider(first.url), models: [{ name: 'large' }] })
        await make('Route', route, {
          names: [route],
          tiers: [
            { targets: [{ provider: name, model: 'large' }] },
            { targets: [{ provider: 'second', model: 'large' }] },
          ],
        })
        await eventually('the route', 20, async () => (await ask(route).catch(() => undefined)) ?? undefined)
        const { page, complaints } = await visit(`/console/routes/default/${route}`, { locale, as: ada })
        await page.getByRole('tab', { name: words.flow }).click()
        await page.getByRole('img', { name: new RegExp(name) }).waitFor()
        const tried = await visit(`/console/playground?model=${route}`, { locale, as: ada })
        const told = tried.page.locator('.turn.model .words')
        await tried.page
          .getByRole('region', { name: `${words.model}: ${route}` })
          .waitFor({ timeout: 60_000 })
        await say(tried.page, 'Hello')
        await told.getByText(`from ${name}`).waitFor()

        await first.break()
        await say(tried.page, 'And again')
        await told.getByText('from second').waitFor()
        // The breaker opens after five that could not be reached, and lets one try again every now and then.
        const comes = (what: string, text: string, first?: () => Promise<void>) =>
          eventually(what, 60, async () => {
            expect(await ask(route)).toBe('from second')
            await first?.()
            return (await page.getByText(text).first().isVisible()) || undefined
          })
        await comes('the flow to tell of the breaker', words.open)
        await comes('the explanation to lead to the second', words.goes('second', 2), () =>
          buttonOf(page, words.explain).click(),
        )
        expect(await findingsOf(page)).toEqual([])
        await page.goto(`${opened.yard.facts.baseUrl}/console/providers/default/${name}`)
        await page.getByRole('tab', { name: words.test }).click()
        await comes('the page of the provider to tell of it', words.open)
        await buttonOf(page, words.run).click()
        await page.getByText(words.unreachable).waitFor()
        expect(await findingsOf(page)).toEqual([])

        const request = tried.page.locator('.taken').last().getByRole('link')
        const id = (await request.textContent()) ?? ''
        await eventually('its usage', 30, async () => {
          const answer = await fetch(`${opened.yard.facts.baseUrl}/api/v1/workspaces/default/usage/${id}`, {
            headers: { authorization: `Bearer ${opened.yard.facts.adminToken}` },
          })
          return answer.ok || undefined
        })
        await request.click()
        await tried.page.getByRole('heading', { level: 1, name: id }).waitFor()
        const attempts = tried.page.locator('.timeline li')
        await attempts
          .filter({ hasText: words.attempt(1) })
          .filter({ hasText: name })
          .locator('.stretch.failed')
          .waitFor()
        await attempts
          .filter({ hasText: words.attempt(2) })
          .filter({ hasText: 'second' })
          .waitFor()
        expect(await findingsOf(tried.page)).toEqual([])

        await first.mend()
        await eventually('the route to go back', 60, async () =>
          (await ask(route)) === `from ${name}` ? true : undefined,
        )
        expect([...ours(complaints), ...ours(tried.complaints)]).toEqual([])
        await tried.page.close()
        await page.close()
      },
    )

    test('each of these screens speaks Chinese', async () => {
      const { page, complaints } = await visit('/console', { as: ada, locale: 'zh-CN' })
      await page.goto(`${opened.yard.facts.baseUrl}/console/routes/default/smart`)
      await page.getByRole('tab', { name: '流程' }).click()
      await page.getByRole('button', { name: /^解\s*释$/ }).waitFor()
      await page.goto(`${opened.yard.facts.baseUrl}/console/providers/default/second`)
      await page.getByRole('tab', { name: '使用与测试' }).click()
      await page.getByRole('button', { name: '测试连接' }).click()
      await page.getByText('有响应，凭据有效，并返回了模型列表。').waitFor()
      expect(complaints).toEqual([])
      await page.close()
    })
  })
})
