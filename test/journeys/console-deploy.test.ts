// From an empty server to the first token, and a model that is deployed step by step: from the screens alone.
import { describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, findingsOf, hasChromium } from './browser.ts'
import { begin, linkIn, wordsOf } from './first-steps.ts'
import { eventually } from './yard.ts'

describe.skipIf(!hasChromium)('deploying in the console', { timeout: 480_000 }, () => {
  const opened = useConsole(undefined, { isEmpty: true })
  const { visit } = opened

  const ask = (model: string) => wordsOf(opened.yard, model)

  test('the link that `up` prints on an empty server leads to an administrator, a model and its first token', async () => {
    await begin(opened, linkIn(opened.yard.started.stdout), 'en-US')
  })

  test('a model is deployed from the library step by step, what was said survives a reload, and a token comes', async () => {
    const { page, complaints } = await visit('/console/library', { as: ada })
    const findings: string[] = []
    const next = () => page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('link', { name: opened.yard.facts.model }).first().waitFor()
    findings.push(...(await findingsOf(page)))
    await page.getByRole('button', { name: 'Deploy', exact: true }).click()
    await page.getByRole('radio', { name: /local/ }).waitFor()
    findings.push(...(await findingsOf(page)))
    await next()
    expect(await page.getByRole('radio', { name: new RegExp(opened.yard.facts.model) }).isChecked()).toBe(
      true,
    )
    findings.push(...(await findingsOf(page)))
    await next()
    await page.getByLabel('Sequences at once').fill('2')
    await page.getByLabel('--batch-size').fill('64')
    await page.getByLabel('--batch-size').blur()
    findings.push(...(await findingsOf(page)))
    await page.reload()
    await page.getByLabel('--batch-size').waitFor()
    expect(await page.getByLabel('--batch-size').inputValue()).toBe('64')
    await next()
    await page.getByLabel('Memory set aside for each replica').fill('100000Gi')
    await page.getByText('It does not fit now').waitFor()
    await page.getByLabel('Memory set aside for each replica').fill('64Mi')
    await page.getByText('It fits', { exact: true }).waitFor()
    findings.push(...(await findingsOf(page)))
    await next()
    await page.getByLabel('Name of the endpoint').fill('Not A Name')
    await next()
    await page.getByText('The server would refuse it:').waitFor()
    findings.push(...(await findingsOf(page)))
    await page.getByRole('button', { name: 'Go to Serving' }).click()
    await page.getByLabel('Name of the endpoint').fill('tiny-two')
    await page.getByLabel('Another public model name').fill('tiny/by-another-name')
    findings.push(...(await findingsOf(page)))
    await next()
    await page.getByText('The server would accept it.').waitFor()
    await page.getByRole('button', { name: 'Deploy', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: /tiny-two/ }).waitFor()
    await page.getByText('It is ready.').waitFor({ timeout: 120_000 })
    findings.push(...(await findingsOf(page)))
    const { spec } = (await opened.yard.api.get('Endpoint', {
      workspace: 'default',
      name: 'tiny-two',
    })) as {
      spec: Record<string, unknown>
    } // by its kind
    expect(spec).toMatchObject({
      arguments: { 'batch-size': 64 },
      context: { sequences: 2 },
      resources: { memory: '64Mi' },
    })
    const answer = await eventually('an answer by the other name', 20, () =>
      ask('tiny/by-another-name').catch(() => undefined),
    )
    expect(answer).not.toBe('')
    expect(findings).toEqual([])
    // The refused name is the one thing that a browser tells of by itself.
    expect(complaints.filter(text => !text.includes('400'))).toEqual([])
    await page.close()
  })

  test('each step of it speaks Chinese', async () => {
    const { page, complaints } = await visit('/console/library', { as: ada, locale: 'zh-CN' })
    await page.getByRole('heading', { level: 1, name: '模型库' }).waitFor()
    await page.getByRole('columnheader', { name: '参数量' }).waitFor()
    const steps = {
      place: '工作区',
      model: '对话',
      engine: '并发序列数',
      resources: '当前可容纳情况',
      serving: '推理端点名称',
      review: '还有内容未填写：',
    }
    for (const [step, says] of Object.entries(steps)) {
      await page.goto(`${opened.yard.facts.baseUrl}/console/deploy?step=${step}`)
      await page.getByText(says).first().waitFor()
    }
    await page.goto(`${opened.yard.facts.baseUrl}/console/deploy/default/tiny-two`)
    await page.getByText('已就绪。').waitFor()
    expect(complaints).toEqual([])
    await page.close()
  })
})
