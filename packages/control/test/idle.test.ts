// A steady system writes nothing.
import type { ControlObservation } from '@switchyard/control'
import { testDatabase } from '@switchyard/store/testing'
import { expect, onTestFinished, test } from 'vitest'
import { chat, furnish, list, makeYard, put, removeYard, runControl, statusOf, until } from './yard.ts'

test('1,000 idle endpoints are resynced without a write', { timeout: 600_000 }, async () => {
  const yard = await makeYard()
  const opened = await testDatabase()
  onTestFinished(async () => {
    await opened[Symbol.asyncDispose]()
    await removeYard(yard)
  })
  await furnish(opened.store, yard)
  for (let at = 0; at < 1000; at += 20)
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        put(opened.store, 'Endpoint', `e${at + i}`, chat({ replicas: 0 }), 'default'),
      ),
    )
  {
    await using _settling = await runControl(yard, opened)
    await until(
      'all settled',
      async () => (await list(opened.store, 'Endpoint')).every(each => statusOf(each).phase === 'Ready'),
      240,
    )
    await until('all revisions told', async () =>
      (await list(opened.store, 'Revision')).every(
        each => statusOf(each).phase !== undefined && statusOf(each).conditions !== undefined,
      ),
    )
  }
  const said: ControlObservation[] = []
  const before = await opened.store.version({ role: 'control' })
  await using _again = await runControl(yard, opened, { observe: each => said.push(each) })
  const runs = () => said.filter(each => each.type === 'ran')
  await until('2,000 documents looked at again', async () => runs().length >= 2003, 240)
  expect(runs().filter(each => each.written > 0)).toEqual([])
  expect(await opened.store.version({ role: 'control' })).toBe(before)
  expect(said.filter(each => each.type === 'run_failed')).toEqual([])
})
