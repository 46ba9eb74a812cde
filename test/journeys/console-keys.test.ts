// Keys and the playground in a real browser: from a model to its first token, a key that is shown once, and a limit that is hit.
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, addViewer, findingsOf, grace, hasChromium, ours } from './browser.ts'
import { say } from './first-steps.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')

const patience = { timeout: 60_000 }

describe.skipIf(!hasChromium)('keys and the playground', { timeout: 240_000 }, () => {
  const opened = useConsole(async ({ yard }) => {
    await addViewer(yard)
    await yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'Route',
      metadata: { name: 'second', workspace: 'default' },
      spec: { names: ['second'], tiers: [{ targets: [{ endpoint: yard.facts.model }] }] },
    })
  })
  const { visit } = opened

  test('a person signs in, asks, and has the first token, its times and its request; two models answer side by side, and a reload keeps them', async () => {
    const { page, complaints } = await visit('/console', { as: ada })
    await page.getByRole('link', { name: 'Playground' }).click()
    await say(page, 'Hello!')
    await page.locator('.taken').getByText('First token').waitFor(patience)
    const first = (await page.locator('.turn.model .words').first().textContent()) ?? ''
    expect(first).not.toBe('')
    // It is counted as hers, and no key was made for it.
    const request = await page.locator('.taken').first().textContent()
    const [id = ''] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(request ?? '') ?? []
    await page.getByText('no price').waitFor(patience)
    const told = await fetch(`${opened.yard.facts.baseUrl}/api/v1/workspaces/default/usage/${id}`, {
      headers: { authorization: `Bearer ${opened.yard.facts.adminToken}` },
    })
    expect(await told.text()).toContain('user/ada')
    expect(await findingsOf(page)).toEqual([])

    await page.getByRole('button', { name: 'Compare two models' }).click()
    await page.getByRole('combobox', { name: 'Model 2' }).click()
    await page.getByTitle('second').last().click()
    await say(page, 'And again?')
    await page.locator('.columns > .column:nth-child(2) .taken').waitFor(patience)
    await expect.poll(() => page.locator('.columns > .column:first-child .taken').count(), patience).toBe(2)
    expect(await page.locator('.column:nth-child(2) .turn.model header').textContent()).toBe('second')
    expect(await findingsOf(page)).toEqual([])

    await page.reload()
    await page.getByText('And again?').first().waitFor()
    expect(await page.locator('.turn.model').count()).toBe(3)
    expect(await page.locator('.turn.model .words').first().textContent()).toBe(first)
    const stored = await page.evaluate('JSON.stringify([{ ...sessionStorage }, { ...localStorage }])')
    expect(stored).not.toMatch(/eyJ|sk-sy-/)

    await page.getByRole('button', { name: 'View as code' }).click()
    await page.getByRole('figure', { name: 'curl' }).waitFor()
    expect(await page.getByRole('figure', { name: 'curl' }).textContent()).toContain('And again?')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Clear' }).click()
    expect(await page.locator('.turn').count()).toBe(0)
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('texts become vectors that are compared; a model that ranks nothing says so', async () => {
    const { page, complaints } = await visit('/console/playground?tab=embeddings', { as: ada })
    await page.getByRole('textbox', { name: 'Texts, one a line' }).fill('a cat\na dog\nthe price of steel')
    await page.getByRole('button', { name: 'Embed' }).click()
    await page.getByText(/^3 vectors of \d+ numbers$/).waitFor(patience)
    expect(await page.locator('.matrix td').allTextContents()).toContain('1.000')
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('tab', { name: 'Rerank' }).click()
    await page.getByRole('textbox', { name: 'Query' }).fill('pets')
    await page.getByRole('textbox', { name: 'Documents, one a line' }).fill('a cat\nsteel')
    await page.getByRole('button', { name: 'Rerank' }).click()
    await page.getByText('The request was refused').waitFor(patience)
    expect(await findingsOf(page)).toEqual([])
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('a key is made, shown once, and called with as its snippets are printed; it is rotated and disabled', async () => {
    const { page, complaints } = await visit('/console/apikeys/new', { as: ada })
    await page.getByLabel('Name', { exact: true }).fill('Not a name')
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByText('begin with a letter or digit').waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.getByLabel('Name', { exact: true }).fill('snippets')
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByText('Copy the key now').waitFor(patience)
    const secret = (await page.getByRole('figure', { name: 'API key' }).locator('pre').textContent()) ?? ''
    expect(secret).toMatch(/^sk-sy-/)
    expect(await findingsOf(page)).toEqual([])

    const curl = (await page.locator('#snippet-curl pre').textContent()) ?? ''
    expect(curl).toContain(secret)
    const answered = await run('sh', ['-c', `${curl} -sS`], { cwd: root })
    expect(JSON.parse(answered.stdout)).toMatchObject({ choices: [{ message: { role: 'assistant' } }] })
    await page.getByRole('tab', { name: 'TypeScript' }).click()
    for (const client of ['openai', 'anthropic', 'ollama']) {
      const code = (await page.locator(`#snippet-typescript-${client} pre`).textContent()) ?? ''
      const said = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: root })
      expect(said.stdout.trim()).not.toBe('')
    }

    await page.getByRole('button', { name: 'I have copied it' }).click()
    await page.getByRole('heading', { level: 1, name: 'snippets' }).waitFor()
    await page.getByRole('tab', { name: 'Use' }).click()
    await page.getByText('in place of the secret').waitFor()
    expect(await page.content()).not.toContain(secret)
    await page.goBack()
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await page.content()).not.toContain(secret)
    await page.goto(`${opened.yard.facts.baseUrl}/console/apikeys/default/snippets`)
    await page.getByRole('tab', { name: 'Use' }).click()
    await page.getByText('in place of the secret').waitFor()
    expect(await findingsOf(page)).toEqual([])

    const status = async (key: string) => {
      const headers = { authorization: `Bearer ${key}` }
      return (await fetch(`${opened.yard.facts.baseUrl}/v1/models`, { headers })).status
    }
    await page.getByRole('button', { name: 'Rotate…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate', exact: true }).click()
    await page.getByText('Copy the new secret now').waitFor(patience)
    const next = (await page.getByRole('figure', { name: 'API key' }).locator('pre').textContent()) ?? ''
    expect(next).not.toBe(secret)
    await expect.poll(() => status(next), patience).toBe(200)
    // Within the overlap both work.
    expect(await status(secret)).toBe(200)
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await page.getByText('The old secret works until').waitFor()
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('tooltip').getByRole('button', { name: 'Disable' }).click()
    await page.getByText('This key is disabled').waitFor(patience)
    await expect.poll(() => status(next), patience).toBe(401)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('This key is disabled').waitFor({ state: 'detached' })
    await expect.poll(() => status(next), patience).toBe(200)
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('a key of one request a minute is hit, and the screen says whose limit it is and until when', async () => {
    const { page, complaints } = await visit('/console/apikeys/new', { as: ada })
    await page.getByLabel('Name', { exact: true }).fill('tight')
    await page.getByRole('spinbutton', { name: 'Requests a minute' }).fill('1')
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByRole('link', { name: 'Try it in the playground' }).click()
    await page.getByText('Called by the key tight in default').waitFor(patience)
    await say(page, 'Hello!')
    await page.locator('.taken').waitFor(patience)
    await say(page, 'And again!')
    await page.getByText('The limit of requests of the key is reached.').waitFor(patience)
    await page.getByText(/The same request passes again at .+, in \d+ s\./).waitFor()
    expect(await findingsOf(page)).toEqual([])
    // Her own rights are not the key's.
    await page.getByRole('button', { name: 'Call as myself' }).click()
    await page.getByRole('button', { name: 'Retry' }).click()
    await expect.poll(() => page.locator('.taken').count(), patience).toBe(2)
    await page.goto(`${opened.yard.facts.baseUrl}/console/apikeys/default/tight`)
    await page.getByRole('tab', { name: 'Use' }).click()
    await page.getByRole('heading', { name: 'Limits above it now' }).waitFor()
    await page.getByRole('cell', { name: 'Requests' }).waitFor(patience)
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('who may not call is told which permission it takes', async () => {
    const { page } = await visit('/console/playground', {
      as: grace,
    })
    await page.getByText('It needs the permission inference:call.').waitFor()
    expect(await page.getByRole('link', { name: 'Playground' }).count()).toBe(0)
    await page.goto(`${opened.yard.facts.baseUrl}/console/apikeys/new`)
    await page.getByText('It needs the permission api_key:create.').waitFor()
    await page.close()
  })

  test('all of it is said in Chinese', async () => {
    const { page, complaints } = await visit('/console/apikeys/new', { locale: 'zh-CN', as: ada })
    await page.getByRole('heading', { level: 1, name: '新建 API 密钥' }).waitFor()
    await page.getByLabel('名称', { exact: true }).fill('chinese')
    await page.getByRole('spinbutton', { name: '每分钟请求数' }).fill('1')
    await page.getByRole('button', { name: '创建密钥' }).click()
    await page.getByText('请立即复制密钥').waitFor(patience)
    await page.getByRole('link', { name: '在演练场试用' }).click()
    await say(page, '你好')
    // Of the answer that has ended: one that is waited for says the same words.
    await page.locator('.taken').getByText('首个 Token').waitFor(patience)
    await say(page, '再来')
    await page.getByText('已达到密钥的请求数限额。').waitFor(patience)
    await page.getByText(/同样的请求将于 .+ 恢复可用/).waitFor()
    // biome-ignore lint/performance/useDomNodeTextContent: what is seen, and no more
    const words = await page.locator('main, #content').first().innerText()
    expect(words).not.toMatch(/\b(Retry|Copy|Edit|Tokens|Request|Workspace|Clear|Send)\b/)
    for (const name of ['向量嵌入', '重排序']) {
      await page.getByRole('tab', { name }).click()
      await page.getByRole('button', { name: name === '重排序' ? '重排序' : '生成向量' }).waitFor()
    }
    await page.goto(`${opened.yard.facts.baseUrl}/console/apikeys/default/chinese`)
    await page.getByRole('tab', { name: '使用' }).click()
    await page.getByRole('heading', { name: '当前生效的限额' }).waitFor()
    expect(ours(complaints)).toEqual([])
    await page.close()
  })
})
