import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UsageEvent } from '@switchyard/runtime'
import {
  type FileJournal,
  type JournalObservation,
  type JournalOptions,
  openJournal,
} from '@switchyard/store/journal'
import { afterEach, describe, expect, test } from 'vitest'

const folders: string[] = []
const journals: FileJournal[] = []
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'))
  folders.push(folder)
  return folder
}

async function opened(folder: string, options: Partial<JournalOptions> = {}) {
  const said: JournalObservation[] = []
  const journal = await openJournal({
    folder,
    clock: Date.now,
    observe: o => void said.push(o),
    gatherMilliseconds: 5,
    ...options,
  })
  journals.push(journal)
  return { journal, said }
}

export function event(request: string, end: UsageEvent['data']['end'] = 'done'): UsageEvent {
  return {
    data: {
      billable: 'caller',
      end,
      endedAt: '2026-01-01T00:00:01.000Z',
      endpoint: 'tiny',
      flags: [],
      key: 'abc',
      keyName: 'k',
      model: 'tiny',
      operation: 'chat.completions',
      project: null,
      quantities: { 'tok.out.text': '3' },
      request,
      status: 200,
      streamed: false,
      upstream: 'tiny-1-0',
      usageSource: 'engine',
      workspace: 'default',
    },
    id: `${request}:1:call`,
    source: '/gateway',
    specversion: '1.0',
    subject: 'default/-',
    time: '2026-01-01T00:00:00.000Z',
    type: 'switchyard.usage.v1',
  }
}
const begin = (journal: FileJournal, request: string) =>
  journal.append({ kind: 'open', request, event: event(request, 'gateway_lost') })
const end = (journal: FileJournal, request: string) =>
  journal.append({ kind: 'usage', request, events: [event(request)] })

const patient = () => AbortSignal.timeout(5000)

async function shipped(journal: FileJournal, least = 1): Promise<readonly UsageEvent[]> {
  const all: UsageEvent[] = []
  while (all.length < least || !journal.drained) {
    const batch = await journal.reader.batch(1000, patient())
    all.push(...batch.events)
    await batch.acknowledge()
  }
  return all
}
const requests = (events: readonly UsageEvent[]) => events.map(({ data }) => `${data.request} ${data.end}`)
const segments = async (folder: string) =>
  (await readdir(folder)).filter(file => file.endsWith('.seg')).sort()

describe.each(['interval', 'reply'] as const)('a journal synced by %s', sync => {
  test('ships what was appended, once, and leaves no segment behind', async () => {
    const folder = await newFolder()
    const { journal } = await opened(folder, { sync, keepSeconds: 0 })
    await Promise.all(Array.from({ length: 100 }, (_, i) => begin(journal, `r${i}`)))
    await Promise.all(Array.from({ length: 100 }, (_, i) => end(journal, `r${i}`)))
    const events = await shipped(journal, 100)
    expect(requests(events)).toEqual(Array.from({ length: 100 }, (_, i) => `r${i} done`))
    expect(events[0]).toEqual(event('r0'))
    await journal.close()
    expect(await segments(folder)).toEqual([])
  })

  test('hands the same batch out until it is acknowledged', async () => {
    const { journal } = await opened(await newFolder(), { sync })
    await end(journal, 'a')
    const first = await journal.reader.batch(10, patient())
    await end(journal, 'b')
    expect(await journal.reader.batch(10, patient())).toBe(first)
    await first.acknowledge()
    expect(requests((await journal.reader.batch(10, patient())).events)).toEqual(['b done'])
  })

  test('gives what was not acknowledged to the next owner, and ends what was begun', async () => {
    const folder = await newFolder()
    const { journal } = await opened(folder, { sync })
    await begin(journal, 'a')
    await begin(journal, 'b')
    await end(journal, 'a')
    await journal.reader.batch(10, patient())
    await journal.close()
    const next = await opened(folder, { sync })
    const events = await shipped(next.journal, 2)
    expect(requests(events)).toEqual(['a done', 'b gateway_lost'])
    expect(events[1]?.data).toMatchObject({ quantities: {}, usageSource: 'none', billable: 'caller' })
    expect(next.said).toEqual([{ type: 'requests_lost', epoch: 1, requests: 1 }])
  })

  test('begins each segment with the requests under way, so that old ones may go', async () => {
    const folder = await newFolder()
    const { journal } = await opened(folder, { sync, segmentBytes: 2000, keepSeconds: 0 })
    await begin(journal, 'long')
    for (let i = 0; i < 10; i++) await end(journal, `r${i}`)
    expect(requests(await shipped(journal, 10))).toHaveLength(10)
    expect((await segments(folder)).length).toBeLessThan(3)
    await journal.close()
    const next = await opened(folder)
    // What stood in the last segment is shipped again, under the same ids.
    expect(requests(await shipped(next.journal)).at(-1)).toBe('long gateway_lost')
  })
})

describe('a journal', () => {
  test('has one owner', async () => {
    const folder = await newFolder()
    const { journal } = await opened(folder)
    await expect(opened(folder)).rejects.toMatchObject({ code: 'conflict', reason: 'locked' })
    await journal.close()
    await opened(folder)
  })

  test('drops a torn tail and keeps the rest, wherever it is torn', async () => {
    const source = await newFolder()
    const { journal } = await opened(source)
    await end(journal, 'a')
    await end(journal, 'b')
    const path = join(source, (await segments(source))[0] ?? '')
    const bytes = await readFile(path)
    const half = bytes.length / 2
    for (const cut of [half + 1, half + 5, half + 9, half + 100, bytes.length - 1]) {
      const folder = await newFolder()
      await writeFile(join(folder, '1-000001.seg'), bytes.subarray(0, cut))
      const { journal: next, said } = await opened(folder)
      expect(requests(await shipped(next))).toEqual(['a done'])
      expect(said).toMatchObject([{ type: 'torn_tail', offset: half, bytes: cut - half }])
    }
  })

  test('sets damage in the middle aside and goes on', async () => {
    const folder = await newFolder()
    const { journal } = await opened(folder, { segmentBytes: 1 })
    await end(journal, 'a')
    await end(journal, 'b')
    await journal.close()
    const first = join(folder, (await segments(folder))[0] ?? '')
    const bytes = await readFile(first)
    bytes[40] = (bytes[40] ?? 0) ^ 1
    await writeFile(first, bytes)
    const next = await opened(folder)
    expect(requests(await shipped(next.journal))).toEqual(['b done'])
    expect(next.said).toMatchObject([{ type: 'quarantined', bytes: bytes.length }])
    expect((await readdir(folder)).some(file => file.endsWith('.quarantine'))).toBe(true)
  })

  test('garbage after the last frame is no frame', async () => {
    const folder = await newFolder()
    const { journal } = await opened(folder)
    await end(journal, 'a')
    await journal.close()
    await appendFile(join(folder, (await segments(folder))[0] ?? ''), Buffer.alloc(64, 0xff))
    const next = await opened(folder)
    expect(requests(await shipped(next.journal))).toEqual(['a done'])
  })

  test('an empty or zeroed segment holds nothing', async () => {
    const folder = await newFolder()
    await writeFile(join(folder, '3-000001.seg'), Buffer.alloc(0))
    await writeFile(join(folder, '4-000001.seg'), Buffer.alloc(0))
    await truncate(join(folder, '4-000001.seg'), 4096)
    const { journal } = await opened(folder)
    await end(journal, 'a')
    expect(requests(await shipped(journal))).toEqual(['a done'])
  })

  test('is full over its size: begins nothing more, but lets what has begun end', async () => {
    const { journal } = await opened(await newFolder(), {
      maxBytes: 900,
      keepSeconds: 0,
      segmentBytes: 900,
    })
    await begin(journal, 'a')
    expect(journal.full).toBe(false)
    await begin(journal, 'b')
    expect(journal.full).toBe(true)
    await expect(begin(journal, 'c')).rejects.toMatchObject({ code: 'unavailable', reason: 'journal_full' })
    await end(journal, 'a')
    await end(journal, 'b')
    await shipped(journal, 2)
    expect(journal.full).toBe(false)
  })

  test('that fails to write or fsync refuses, and recovers in a new segment without losing a record', async () => {
    const { fileSink } = await import('../src/journal/writer.ts')
    let failing: 'write' | 'sync' | undefined
    let now = Date.now()
    const sink: JournalOptions['sink'] = {
      ...fileSink,
      write(file, bytes, length, position) {
        if (failing !== 'write') return fileSink.write(file, bytes, length, position)
        if (length > 10) return fileSink.write(file, bytes, 10, position)
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      },
      sync: file => (failing === 'sync' ? Promise.reject(new Error('i/o error')) : fileSink.sync(file)),
    }
    const { journal } = await opened(await newFolder(), { sync: 'reply', sink, clock: () => now })
    await begin(journal, 'a')
    for (const kind of ['write', 'sync'] as const) {
      failing = kind
      // Ten bytes go through, then the disk is full.
      sink.write = (file, bytes, length, position) => {
        if (failing !== 'write') return fileSink.write(file, bytes, length, position)
        if (position % 2 === 0) return fileSink.write(file, bytes, Math.min(11, length), position)
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      }
      await expect(end(journal, `lost by ${kind}`)).rejects.toMatchObject({ reason: 'journal_full' })
      expect(journal.full).toBe(true)
      failing = undefined
      now += 1500
      await expect.poll(() => journal.full).toBe(false)
      await end(journal, `after ${kind}`)
    }
    await end(journal, 'a')
    const ended = requests(await shipped(journal, 3))
    // A record whose fsync failed may still have been written: it is read when it is there.
    expect(ended.filter(line => line !== 'lost by sync done')).toEqual([
      'after write done',
      'after sync done',
      'a done',
    ])
  })

  test('acknowledged to a process that is killed at random, no record is lost and none comes twice', async () => {
    const folder = await newFolder()
    const acknowledged = new Set<string>()
    const begun = new Set<string>()
    for (let round = 0; round < 6; round++) {
      const child = fork(join(import.meta.dirname, 'journal.child.ts'), [folder, `${round}`], {
        execPath: process.execPath,
        execArgv: [],
      })
      child.on('message', ([kind, request]: [string, string]) => {
        if (kind === 'end') acknowledged.add(request)
        else begun.add(request)
      })
      await once(child, 'message')
      await new Promise(resolve => setTimeout(resolve, 20 + 37 * round))
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const { journal } = await opened(folder)
    const events = await shipped(journal)
    const ids = events.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const ended = new Set(events.filter(({ data }) => data.end === 'done').map(({ data }) => data.request))
    expect([...acknowledged].filter(request => !ended.has(request))).toEqual([])
    const known = new Set(events.map(({ data }) => data.request))
    expect([...begun].filter(request => !known.has(request))).toEqual([])
    expect(acknowledged.size).toBeGreaterThan(50)
  })
})
