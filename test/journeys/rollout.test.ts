// The promises of the README about change: a new revision replaces the old one without a dropped request, more
// replicas share the load, a hung engine is found out, and a deleted endpoint leaves nothing behind.
import { readdirSync, readFileSync } from 'node:fs'
import type { DocumentOf, endpoint, replica } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, startYard, type Yard } from './yard.ts'

const workspace = 'default'

describe('an endpoint under change', () => {
  let yard: Yard
  const name = 'chat'
  const ref = { workspace, name }
  const get = async () => (await yard.api.get('Endpoint', ref)) as DocumentOf<typeof endpoint> // asked for by kind
  const replicas = async () => {
    const { items } = await yard.api.list('Replica', { workspace, fieldSelector: `spec.endpoint=${name}` })
    return items as DocumentOf<typeof replica>[] // asked for by kind
  }
  const ready = (count: number, revision: number) =>
    eventually(`${count} replicas of revision ${revision}`, 60, async () => {
      const { status } = await get()
      const { replicas: counts, revisions } = status
      return counts?.ready === count && counts.draining === 0 && revisions?.active === revision
        ? true
        : undefined
    })
  const ask = () =>
    yard.openai().chat.completions.create({
      model: name,
      messages: [{ role: 'user', content: 'Hello!' }],
      max_tokens: 24,
    })

  beforeAll(async () => {
    yard = await startYard()
    await yard.api.create({
      kind: 'Endpoint',
      metadata: ref,
      spec: {
        model: { name: yard.facts.model },
        drainSeconds: 20,
        startupSeconds: 60,
        probes: { generationSeconds: 2, stallSeconds: 3 },
      },
    })
    await ready(1, 1)
  }, 180_000)
  afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

  test('rolls over to a new revision without a dropped request', async () => {
    let answered = 0
    const failures: unknown[] = []
    let rolling = true
    const callers = Array.from({ length: 3 }, async () => {
      while (rolling)
        await ask().then(
          () => answered++,
          (error: unknown) => failures.push(error),
        )
    })
    await yard.api.patch('Endpoint', ref, { spec: { context: { tokens: 512 } } })
    await ready(1, 2)
    const atTheEnd = answered
    await eventually('a few more answers', 10, () => (answered > atTheEnd + 5 ? true : undefined))
    rolling = false
    await Promise.all(callers)
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(10)
    expect((await replicas()).map(({ spec }) => spec.revision)).toEqual([2])
  }, 120_000)

  test('takes the old revision again when the change is taken back', async () => {
    await yard.api.patch('Endpoint', ref, { spec: { context: { tokens: null } } })
    await ready(1, 1)
    const { items } = await yard.api.list('Revision', { workspace, fieldSelector: `spec.endpoint=${name}` })
    expect(items).toHaveLength(2)
  }, 120_000)

  test('scales up and down', async () => {
    await yard.api.patch('Endpoint', ref, { spec: { replicas: 2 } })
    await ready(2, 1)
    const addresses = new Set((await replicas()).map(({ status }) => status.address))
    expect(addresses.size).toBe(2)
    await Promise.all(Array.from({ length: 8 }, ask))
    await yard.api.patch('Endpoint', ref, { spec: { replicas: 1 } })
    await ready(1, 1)
    await eventually('one replica', 30, async () => ((await replicas()).length === 1 ? true : undefined))
  }, 120_000)

  test('a change that can never start leaves the old revision serving, and says why', async () => {
    await yard.api.patch('Endpoint', ref, { spec: { extraArgs: ['--no-such-flag'] } })
    const failed = await eventually('the failure to be told', 60, async () => {
      const { status } = await get()
      return status.conditions?.find(({ type, status: is }) => type === 'Progressing' && is === 'False')
    })
    expect(failed.reason).toBe('BadArguments')
    expect(failed.message).toContain('--no-such-flag')
    await ask()
    await yard.api.patch('Endpoint', ref, { spec: { extraArgs: [] } })
    await ready(1, 1)
  }, 120_000)

  test('an engine that hangs is noticed and replaced', async () => {
    const [before] = await replicas()
    const port = before?.status.address?.split(':')[1]
    const pid = readdirSync('/proc')
      .filter(entry => /^\d+$/.test(entry))
      .map(Number)
      .find(candidate => {
        try {
          const argv = readFileSync(`/proc/${candidate}/cmdline`, 'utf8').split('\0')
          return argv[argv.indexOf('--port') + 1] === port && argv.includes('--alias')
        } catch {
          return false // ended between the listing and the look
        }
      })
    expect(pid).toBeDefined()
    process.kill(pid ?? Number.NaN, 'SIGSTOP')
    try {
      await eventually('another replica to answer', 60, async () => {
        const now = (await replicas()).find(
          ({ status }) => status.state === 'Ready' && status.address !== before?.status.address,
        )
        return (now ?? ((await replicas())[0]?.status.restarts ?? 0) > (before?.status.restarts ?? 0))
          ? true
          : undefined
      })
      await eventually('words again', 30, () => ask().catch(() => undefined))
    } finally {
      try {
        process.kill(pid ?? Number.NaN, 'SIGCONT')
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ESRCH') // it was ended, as it should be
      }
    }
  }, 120_000)

  test('a deleted endpoint leaves no replica, no revision and no process', async () => {
    expect((await yard.run('delete', 'endpoint', name, '--yes', '--wait', '--timeout', '60s')).code).toBe(0)
    expect(await replicas()).toEqual([])
    const { items } = await yard.api.list('Revision', { workspace, fieldSelector: `spec.endpoint=${name}` })
    expect(items).toEqual([])
    await expect(ask()).rejects.toMatchObject({ status: 404 })
  }, 120_000)
})
