// Deploying from the console until a token comes, and a route that fails over while somebody looks at it.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ada, type ConsoleYard, findingsOf, hasChromium, openConsole } from './browser.ts'
import { eventually, type Yard } from './yard.ts'

const key = 'sk-of-the-double'

/** A provider of OpenAI's dialect that says its own name. */
interface Double extends AsyncDisposable {
  readonly url: string
  break(): Promise<void>
}

async function openDouble(name: string): Promise<Double> {
  const server: Server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      if (request.headers.authorization !== `Bearer ${key}`) return void response.writeHead(401).end('{}')
      if (request.url === '/v1/models') return void response.end(JSON.stringify({ data: [{ id: 'large' }] }))
      const message = { role: 'assistant', content: `from ${name}` }
      const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
      const choices = [{ index: 0, message, finish_reason: 'stop' }]
      response.end(
        JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'large', choices, usage }),
      )
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo // an IP server has one
  const stop = () =>
    new Promise<void>(done => {
      server.close(() => done())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}/v1`, break: stop, [Symbol.asyncDispose]: stop }
}

describe.skipIf(!hasChromium)('deploying and routing in the console', { timeout: 480_000 }, () => {
  let opened: ConsoleYard
  let yard: Yard
  let visit: ConsoleYard['visit']
  let first: Double
  let second: Double

  const make = (kind: string, name: string, spec: Record<string, unknown>) =>
    yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind,
      metadata: { name, workspace: 'default' },
      spec,
    })
  const ask = async (model: string) => {
    const { choices } = await yard.openai().chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 4,
    })
    return choices[0]?.message.content
  }

  beforeAll(async () => {
    opened = await openConsole()
    ;({ yard, visit } = opened)
    ;[first, second] = await Promise.all([openDouble('first'), openDouble('second')])
    await make('Credential', 'key', { value: key })
    await make('Credential', 'wrong-key', { value: 'sk-another' })
    const provider = { type: 'openai-compatible', allowCidrs: ['127.0.0.0/8'], credential: 'key' }
    await make('Provider', 'first', { ...provider, baseUrl: first.url, models: [{ name: 'large' }] })
    await make('Provider', 'second', { ...provider, baseUrl: second.url })
    await make('Provider', 'refused', { ...provider, baseUrl: second.url, credential: 'wrong-key' })
    await make('Route', 'smart', {
      names: ['smart'],
      tiers: [
        { targets: [{ provider: 'first', model: 'large' }] },
        { targets: [{ provider: 'second', model: 'large' }] },
      ],
    })
  }, 300_000)
  afterAll(async () => {
    await first?.[Symbol.asyncDispose]()
    await second?.[Symbol.asyncDispose]()
    await opened?.[Symbol.asyncDispose]()
  }, 60_000)

  test('a model is deployed from the library step by step, what was said survives a reload, and a token comes', async () => {
    const { page, complaints } = await visit('/console/library', { as: ada })
    const findings: string[] = []
    const next = () => page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('link', { name: yard.facts.model }).first().waitFor()
    findings.push(...(await findingsOf(page)))
    await page.getByRole('button', { name: 'Deploy', exact: true }).click()
    await page.getByRole('radio', { name: /local/ }).waitFor()
    findings.push(...(await findingsOf(page)))
    await next()
    expect(await page.getByRole('radio', { name: new RegExp(yard.facts.model) }).isChecked()).toBe(true)
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
    const { spec } = (await yard.api.get('Endpoint', { workspace: 'default', name: 'tiny-two' })) as {
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
    await page.context().close()
  })

  test('a connection is tested: what answers tells its models, a wrong key is said to be one', async () => {
    const { page, complaints } = await visit('/console/providers/default/first', { as: ada })
    await page.getByRole('tab', { name: 'Use and test' }).click()
    await page.getByRole('button', { name: 'Test the connection' }).click()
    await page.getByText('It answers, takes the credential and lists its models.').waitFor()
    await page.getByRole('link', { name: 'default/smart' }).waitFor()
    const findings = await findingsOf(page)
    await page.goto(`${yard.facts.baseUrl}/console/providers/default/refused`)
    await page.getByRole('tab', { name: 'Use and test' }).click()
    await page.getByRole('button', { name: 'Test the connection' }).click()
    await page.getByText('It answers and refuses the credential').waitFor()
    expect(await page.content()).not.toContain('sk-another')
    expect(findings).toEqual([])
    expect(complaints).toEqual([])
    await page.context().close()
  })

  test('weights and tiers are changed in the flow; a provider that breaks is seen there, and requests go to the next', async () => {
    const { page, complaints } = await visit('/console/routes/default/smart', { as: ada })
    await page.getByRole('tab', { name: 'Flow' }).click()
    await page.getByRole('img', { name: /How requests flow: tier 1, by weight: first/ }).waitFor()
    await page.getByLabel('Weight of first').fill('50')
    await page.getByText('The server would accept it.').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    const { spec } = (await yard.api.get('Route', { workspace: 'default', name: 'smart' })) as {
      spec: { tiers: { targets: { weight: number }[] }[] }
    } // by its kind
    expect(spec.tiers[0]?.targets[0]?.weight).toBe(50)
    await page.getByRole('button', { name: 'Explain', exact: true }).click()
    await page.getByText('It would go to first, in tier 1.').waitFor()
    const findings = await findingsOf(page)
    expect(await eventually('the route', 20, () => ask('smart').catch(() => undefined))).toBe('from first')
    await first.break()
    // The breaker opens after five that could not be reached, and lets one try again every now and then.
    await eventually('the flow to tell of the breaker', 60, async () => {
      expect(await ask('smart')).toBe('from second')
      const isTold = await page
        .getByText('Failed or was slow too often: its breaker is open')
        .first()
        .isVisible()
      return isTold || undefined
    })
    await eventually('the explanation to lead to the second', 60, async () => {
      expect(await ask('smart')).toBe('from second')
      await page.getByRole('button', { name: 'Explain', exact: true }).click()
      return (await page.getByText('It would go to second, in tier 2.').isVisible()) || undefined
    })
    expect(findings).toEqual([])
    expect(complaints).toEqual([])
    await page.context().close()
  })

  test('each of these screens speaks Chinese', async () => {
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
      await page.goto(`${yard.facts.baseUrl}/console/deploy?step=${step}`)
      await page.getByText(says).first().waitFor()
    }
    await page.goto(`${yard.facts.baseUrl}/console/deploy/default/tiny-two`)
    await page.getByText('已就绪。').waitFor()
    await page.goto(`${yard.facts.baseUrl}/console/routes/default/smart`)
    await page.getByRole('tab', { name: '流程' }).click()
    await page.getByRole('button', { name: /^解\s*释$/ }).waitFor()
    await page.goto(`${yard.facts.baseUrl}/console/providers/default/second`)
    await page.getByRole('tab', { name: '使用与测试' }).click()
    await page.getByRole('button', { name: '测试连接' }).click()
    await page.getByText('有响应，凭据有效，并返回了模型列表。').waitFor()
    expect(complaints).toEqual([])
    await page.context().close()
  })
})
