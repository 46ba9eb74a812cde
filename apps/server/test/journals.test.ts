import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom, type Used } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { claimJournal, shipLeftovers } from '../src/journals.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'journals-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const options = { clock: systemClock.now, observe: () => undefined }

function used(request: string): Used {
  const at = Date.now()
  return {
    admitted: {
      request,
      at,
      workspace: 'default',
      project: null,
      key: 'k',
      keyName: 'k',
      model: 'tiny',
      endpoint: 'tiny',
      operation: 'chat.completions',
      streamed: false,
    },
    ended: { at, end: 'done', status: 200, attempt: 1, upstream: 'u', billable: 'caller', usage: undefined },
  }
}

const segments = () =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.seg'))

test('each process takes a folder of its own, and the one that was given up is taken first', async () => {
  const first = await claimJournal(root, options)
  await using second = await claimJournal(root, options)
  expect(segments().toSorted()).toEqual(['1/1-000001.seg', '2/1-000001.seg'])
  await first.close()
  await using third = await claimJournal(root, options)
  expect(second.full || third.full).toBe(false)
  expect(segments().toSorted()).toEqual(['1/2-000001.seg', '2/1-000001.seg'])
})

test('what was left in journals that nobody holds is shipped, and what is held is left alone', async () => {
  for (const [folder, id] of [
    [root, 'a'],
    [join(root, '3'), 'b'],
  ] as const) {
    const journal = await openJournal({ ...options, folder })
    await journal.append({ kind: 'usage', ...used(id) })
    await journal.close()
  }
  await using held = await claimJournal(root, options)
  await held.append({ kind: 'usage', ...used('c') })
  const shipped: string[] = []
  await using _ = shipLeftovers({
    ...options,
    root,
    store: {
      ingest: async events => {
        shipped.push(...events.map(({ data }) => data.request))
        return events.map(() => 'accepted' as const)
      },
    },
    observeShipping: () => undefined,
    time: systemClock,
    random: systemRandom.fraction,
  })
  await vi.waitFor(() => expect(segments()).toEqual(['1/1-000001.seg']), { timeout: 10_000 })
  expect(shipped).toEqual(['a', 'b'])
})
