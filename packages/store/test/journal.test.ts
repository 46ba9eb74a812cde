import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { serviceTiers } from '@switchyard/kinds'
import { attemptOutcomes, type UsageEvent, type Used, usageUnits } from '@switchyard/runtime'
import {
  type FileJournal,
  type JournalObservation,
  type JournalOptions,
  openJournal,
} from '@switchyard/store/journal'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { crc32c } from '../src/journal/crc32c.ts'
import { used } from './used.ts'

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

const begin = (journal: FileJournal, request: string) =>
  journal.append({ kind: 'open', admitted: used(request).admitted })
const end = (journal: FileJournal, request: string) => journal.append({ kind: 'usage', ...used(request) })

/** What stood in a frame of the first form. */
function event(request: string): UsageEvent {
  const { admitted, ended } = used(request)
  const { key, keyName, model, endpoint, operation, streamed, workspace, project } = admitted
  return {
    data: {
      billable: 'caller',
      end: ended.end,
      endedAt: new Date(ended.at).toISOString(),
      endpoint,
      flags: [],
      key,
      keyName,
      model,
      operation,
      project,
      quantities: { 'tok.out.text': '3' },
      request,
      status: 200,
      streamed,
      upstream: 'tiny-1-0',
      usageSource: 'engine',
      workspace,
    },
    id: `${request}:1:call`,
    source: '/gateway',
    specversion: '1.0',
    subject: 'default/-',
    time: new Date(admitted.at).toISOString(),
    type: 'switchyard.usage.v1',
  }
}

const patient = () => AbortSignal.timeout(5000)

async function shipped(journal: FileJournal, least = 1): Promise<readonly Used[]> {
  const all: Used[] = []
  while (all.length < least || !journal.drained) {
    const batch = await journal.reader.batch(1000, patient())
    all.push(...batch.used)
    await batch.acknowledge()
  }
  return all
}
const requests = (all: readonly Used[]) =>
  all.map(({ admitted, ended }) => `${admitted.request} ${ended.end}`)
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
    expect(events[0]).toEqual(used('r0'))
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
    expect(requests((await journal.reader.batch(10, patient())).used)).toEqual(['b done'])
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
    expect(events[1]?.ended).toMatchObject({ usage: undefined, billable: 'caller' })
    expect(next.said).toEqual([{ type: 'requests_lost', epoch: 1, requests: 1 }])
  })

  test('begins each segment with the requests under way, so that old ones may go', async () => {
    const folder = await newFolder()
    const { journal } = await opened(folder, { sync, segmentBytes: 600, keepSeconds: 0 })
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
  test('is not read record by record after the one that writes: a batch is of what stood there when it began', async () => {
    const { journal } = await opened(await newFolder())
    const most = 50_000
    let written = 0
    let last = Promise.resolve()
    const write = (): void => {
      if (written >= most) return
      const request = `${written++}`
      last = begin(journal, request).then(() => end(journal, request))
      setImmediate(write)
    }
    write()
    const batch = await journal.reader.batch(most, patient())
    const then = written
    written = most
    await last
    expect(batch.used.length).toBeGreaterThan(0)
    expect(batch.used.length).toBeLessThanOrEqual(then)
    expect(then).toBeLessThan(most)
  })

  test('ships what has gathered when it is a batch, however long the wait could be', async () => {
    const { journal } = await opened(await newFolder(), { gatherMilliseconds: 60_000 })
    const write = (count: number) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const request = randomUUID()
          await begin(journal, request)
          await end(journal, request)
        }),
      )
    await write(20)
    let batch: Awaited<ReturnType<typeof journal.reader.batch>> | undefined
    const handedOut = journal.reader.batch(1000, patient()).then(one => {
      batch = one
    })
    await wait(20)
    expect(batch).toBeUndefined()
    await write(400)
    await handedOut
    expect(batch?.used.length).toBeGreaterThanOrEqual(256)
    expect(batch?.used.length).toBeLessThanOrEqual(420)
  })

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
    // The last frame: those before it are what both have in common, and the first.
    let half = 0
    for (let at = 0; at < bytes.length; at += 9 + bytes.readUInt32LE(at)) half = at
    for (const cut of [half + 1, half + 5, half + 9, half + 30, bytes.length - 1]) {
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
      maxBytes: 110,
      keepSeconds: 0,
      segmentBytes: 110,
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
    const ids = events.map(({ admitted }) => admitted.request)
    expect(new Set(ids).size).toBe(ids.length)
    const ended = new Set(
      events.filter(({ ended }) => ended.end === 'done').map(({ admitted }) => admitted.request),
    )
    expect([...acknowledged].filter(request => !ended.has(request))).toEqual([])
    const known = new Set(ids)
    expect([...begun].filter(request => !known.has(request))).toEqual([])
    expect(acknowledged.size).toBeGreaterThan(50)
  })

  test('tells what requests have in common once in each segment, and again for those of others', async () => {
    const folder = await newFolder()
    const { journal } = await opened(folder)
    const one = used('a')
    const other = { ...one, admitted: { ...one.admitted, request: 'b', model: 'große-größe', project: 'p' } }
    const streamed = { ...one, admitted: { ...one.admitted, request: 'c', streamed: true } }
    const all = [one, other, streamed, used('d')]
    for (const each of all) await journal.append({ kind: 'usage', ...each })
    const path = join(folder, (await segments(folder))[0] ?? '')
    expect((await readFile(path)).toString().split('chat.completions')).toHaveLength(4)
    expect(await shipped(journal, 4)).toEqual(all)
    await journal.close()
  })

  test('gives back what it was given, whatever that is', async () => {
    const { journal } = await opened(await newFolder())
    const text = fc.string({ unit: 'binary', maxLength: 20 }).filter(one => one.isWellFormed())
    const time = fc.double({ min: 0, max: 4e12, noNaN: true })
    const amount = fc.oneof(
      { weight: 9, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 53n }) },
      fc.bigInt({ min: 0n, max: 2n ** 70n }),
    )
    const quantities = fc.dictionary(fc.constantFrom(...usageUnits), amount, { noNullPrototype: true })
    const late = fc.nat(2 ** 31 - 1)
    const tried = fc.record(
      {
        upstream: text,
        outcome: fc.constantFrom(...attemptOutcomes),
        status: fc.nat(999),
        startMs: late,
        contentMs: late,
        endMs: late,
      },
      { requiredKeys: ['upstream', 'outcome', 'status', 'startMs', 'endMs'] },
    )
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.option(text),
        time,
        time,
        fc.option(quantities),
        fc.option(fc.constantFrom(...serviceTiers), { nil: undefined }),
        fc.option(
          fc.record(
            { model: text, provider: text, endpoint: text, region: text },
            { requiredKeys: ['model'] },
          ),
          { nil: undefined },
        ),
        fc.constantFrom(undefined, 'rest' as const, 'spare' as const),
        fc.option(
          fc.record(
            { firstTokenMs: late, attempts: fc.array(tried, { maxLength: 4 }) },
            { requiredKeys: ['attempts'] },
          ),
          {
            nil: undefined,
          },
        ),
        async (a, b, at, then, q, tier, by, part, times) => {
          const { admitted, ended } = used('r')
          const usage = q ? ({ quantities: q, source: 'counted', flags: [a], tier } as const) : undefined
          const one = {
            admitted: { ...admitted, at, model: a, keyName: a, project: b },
            ended: { ...ended, at: then, upstream: a, by, part, times, usage },
          }
          await journal.append({ kind: 'open', admitted: one.admitted })
          await journal.append({ kind: 'usage', ...one })
          expect(await shipped(journal)).toEqual([one])
        },
      ),
      { numRuns: 100 },
    )
  })

  test('refuses what is no id of a request', async () => {
    const { journal } = await opened(await newFolder())
    expect(() => begin(journal, 'ü')).toThrow(TypeError)
    expect(() => end(journal, 'x'.repeat(256))).toThrow(TypeError)
    await end(journal, 'a')
    expect(requests(await shipped(journal))).toEqual(['a done'])
  })

  test('ships what was written as whole events before an upgrade', async () => {
    const folder = await newFolder()
    const frame = (kind: number, value: unknown) => {
      const payload = Buffer.from(JSON.stringify(value))
      const bytes = Buffer.alloc(9 + payload.length)
      bytes.writeUInt32LE(payload.length)
      bytes[8] = kind
      payload.copy(bytes, 9)
      bytes.writeUInt32LE(crc32c(bytes, 8, bytes.length), 4)
      return bytes
    }
    await writeFile(
      join(folder, '1-000001.seg'),
      Buffer.concat([frame(1, event('a')), frame(1, event('b')), frame(2, [event('a')])]),
    )
    const { journal } = await opened(folder)
    const [first, second] = await shipped(journal, 2)
    expect(first).toEqual(used('a'))
    expect(second).toMatchObject({ admitted: used('b').admitted, ended: { end: 'gateway_lost' } })
  })
})
