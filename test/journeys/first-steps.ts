// What somebody does who has just started Switchyard, on the screens alone.
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { ada, buttonOf, type ConsoleYard, findingsOf, type Locale, ours } from './browser.ts'
import type { Yard } from './yard.ts'

/** What they look for, as each language says it. */
const said = {
  'en-US': {
    setUp: 'Set up Switchyard',
    deploy: 'Deploy a model',
    next: 'Next',
    name: 'Name of the endpoint',
    fine: 'The server would accept it.',
    create: 'Deploy',
    ready: 'It is ready.',
    playground: 'Ask it in the playground',
    model: 'Model',
    first: 'First token',
  },
  'zh-CN': {
    setUp: '设置 Switchyard',
    deploy: '部署模型',
    next: '下一步',
    name: '推理端点名称',
    fine: '校验通过，服务器会接受。',
    create: '部署',
    ready: '已就绪。',
    playground: '在演练场中提问',
    model: '模型',
    first: '首个 Token',
  },
} as const satisfies Record<Locale, unknown>

/** The link in what `up` has printed. */
export const linkIn = (told: string): string => /Set-up +(\S+)/.exec(told)?.[1] ?? ''

/** Says something in the playground, once what was said before is answered: until then Enter does nothing. */
export async function say(page: Page, text: string): Promise<void> {
  await page.locator('.composer textarea').fill(text)
  await page.locator('.composer .ant-btn-primary:enabled').waitFor({ timeout: 60_000 })
  await page.locator('.composer textarea').press('Enter')
}

/** What a model answers to a caller by the quickstart's key. */
export async function wordsOf({ openai }: Yard, model: string): Promise<string | null | undefined> {
  const { choices } = await openai().chat.completions.create({
    model,
    messages: [{ role: 'user', content: 'Hello' }],
    max_tokens: 4,
  })
  return choices[0]?.message.content
}

/** From the link that `up` has printed to the first token, in one browser. */
export async function begin({ visit, yard }: ConsoleYard, link: string, locale: Locale): Promise<void> {
  const words = said[locale]
  const { page, complaints } = await visit(link, { locale })
  await page.getByRole('heading', { level: 1, name: words.setUp }).waitFor()
  const findings = [...(await findingsOf(page))]
  await page.locator('#email').fill(ada.email)
  await page.locator('#name').fill(ada.name)
  await page.locator('#password').fill(ada.password)
  await page.locator('#submit').click()
  await page.locator('#content h1').waitFor()
  await page.locator('nav').getByRole('link', { name: words.deploy }).click()
  const next = async (there: string) => {
    await buttonOf(page, words.next).click()
    await page.waitForURL(new RegExp(`step=${there}`))
  }
  await page.getByRole('radio', { name: /local/ }).waitFor()
  await next('model')
  await page.getByRole('radio', { name: new RegExp(yard.facts.model) }).check()
  for (const step of ['engine', 'resources', 'serving']) await next(step)
  await page.getByLabel(words.name).fill('first-of-all')
  await next('review')
  await page.getByText(words.fine).waitFor()
  await buttonOf(page, words.create).click()
  await page.getByText(words.ready).waitFor({ timeout: 120_000 })
  findings.push(...(await findingsOf(page)))
  await page.getByRole('link', { name: words.playground }).click()
  await page.getByRole('region', { name: `${words.model}: first-of-all` }).waitFor({ timeout: 60_000 })
  await say(page, 'Hello')
  await page.locator('.taken').getByText(words.first).waitFor({ timeout: 60_000 })
  expect(await page.locator('.turn.model .words').textContent()).not.toBe('')
  findings.push(...(await findingsOf(page)))
  expect(findings).toEqual([])
  expect(ours(complaints)).toEqual([])
  await page.context().close()
  // The link was good for this one person.
  const again = await visit(link, { locale })
  await again.page.locator('#email').fill('eve@example.com')
  await again.page.locator('#password').fill('a password of nobody')
  await again.page.locator('#submit').click()
  await again.page.locator('#problem', { hasText: /\S/ }).waitFor()
  await again.page.context().close()
}
