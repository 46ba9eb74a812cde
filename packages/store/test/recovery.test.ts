// The database is killed under load: what was acknowledged is there, and everyone finds it again by themselves.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@switchyard/kinds'
import { migrate, openStore } from '@switchyard/store'
import { startEmbedded } from '@switchyard/store/embedded'
import { expect, test } from 'vitest'
import { control, document, operator } from './given.ts'

test('PostgreSQL killed three times under writers: no acknowledged write is lost, and the log goes on in order', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'switchyard-recovery-'))
  try {
    await using embedded = await startEmbedded({ directory })
    await migrate(embedded.url)
    await using opened = openStore({ url: embedded.url })
    const { store } = opened
    const acknowledged = new Set<string>()
    const refusals = new Set<string>()
    let running = true
    const stop = new AbortController()

    const seen: string[] = []
    let at = '0'
    const readOn = async () => {
      const { changes, through } = await store.changes(control, at, 100)
      for (const change of changes) {
        expect(BigInt(change.version)).toBeGreaterThan(BigInt(at))
        at = change.version
        seen.push(change.document.metadata.name)
      }
      at = through
      return changes.length
    }
    const survive = async (work: () => Promise<unknown>) => {
      try {
        await work()
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        refusals.add(error.code)
        await sleep(10)
      }
    }
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let n = 0; running; n++)
        await survive(async () => {
          const name = `p-${writer}-${n}`
          await store.write(operator, tx => tx.insert(document('Project', 'red', name), []))
          acknowledged.add(name)
        })
    })
    const reader = (async () => {
      while (running) {
        await survive(readOn)
        await store.wake(20, stop.signal)
      }
    })()

    for (let kill = 0; kill < 3; kill++) {
      await sleep(300)
      const { pid } = embedded
      const before = acknowledged.size
      process.kill(pid, 'SIGKILL')
      while (embedded.pid === pid || acknowledged.size < before + 10) await sleep(20)
    }
    running = false
    stop.abort()
    await Promise.all([...writers, reader])
    while ((await readOn()) > 0);

    expect([...refusals]).toEqual(['unavailable'])
    const { items } = await store.read(operator, tx => tx.list({ kind: 'Project' }))
    const names = new Set(items.map(({ metadata }) => metadata.name))
    expect([...acknowledged].filter(name => !names.has(name))).toEqual([])
    expect(new Set(seen)).toEqual(names)
    expect(seen).toHaveLength(names.size)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}, 60_000)
