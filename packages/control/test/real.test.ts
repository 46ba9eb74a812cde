// The engine that comes with Switchyard, run by control: it answers, and says why when it cannot start.
import { enginePath } from '@switchyard/engine'
import { testDatabase } from '@switchyard/store/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  chat,
  furnish,
  get,
  makeYard,
  put,
  removeYard,
  replicasOf,
  runControl,
  statusOf,
  until,
  untilPhase,
} from './yard.ts'

async function begin() {
  const yard = await makeYard([process.execPath, enginePath])
  const opened = await testDatabase()
  await furnish(opened.store, yard)
  const running = await runControl(yard, opened)
  onTestFinished(async () => {
    await running.controllers[Symbol.asyncDispose]()
    await running.orchestrator.endAll(2)
    await running.orchestrator[Symbol.asyncDispose]()
    await opened[Symbol.asyncDispose]()
    await removeYard(yard)
  })
  return opened.store
}

describe('the built-in engine', { timeout: 90_000 }, () => {
  test('serves a completion from an endpoint, and its idle generation is probed without a failure', async () => {
    const store = await begin()
    const resources = { cpu: 1 }
    await put(
      store,
      'Endpoint',
      'chat',
      chat({ resources, probes: { generationSeconds: 1, stallSeconds: 20 } }),
      'default',
    )
    await untilPhase(store, 'Ready', 'chat', 60)
    const [replica] = await replicasOf(store)
    const ask = async () => {
      const response = await fetch(`http://${replica?.status.address}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'chat', prompt: 'the', max_tokens: 4, temperature: 0 }),
      })
      return { status: response.status, body: await response.text() }
    }
    expect(await ask()).toMatchObject({ status: 200 })
    const metrics = async () => {
      const text = await (await fetch(`http://${replica?.status.address}/metrics`)).text()
      return Number(/^llamacpp:tokens_predicted_total (\d+)/m.exec(text)?.[1])
    }
    const before = await metrics()
    await until('probed three times', async () => (await metrics()) >= before + 3)
    expect((await replicasOf(store))[0]?.status).toMatchObject({ state: 'Ready', restarts: 0 })
  })

  test('that refuses its arguments makes the endpoint Failed with BadArguments and its own words', async () => {
    const store = await begin()
    await put(store, 'Endpoint', 'chat', chat({ extraArgs: ['--nonsense'] }), 'default')
    await untilPhase(store, 'Failed')
    const { conditions } = statusOf(await get(store, 'Endpoint', 'chat', 'default'))
    const progress = conditions?.find(({ type }) => type === 'Progressing')
    expect(progress).toMatchObject({ status: 'False', reason: 'BadArguments' })
    expect(progress?.message).toContain('unknown argument "--nonsense"')
  })
})
