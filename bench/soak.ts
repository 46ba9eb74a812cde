// The gateway under mixed traffic for a while: whole answers, streams, conversions, refusals, failures of the upstream
// and callers who leave. What it holds at the end must be what it held at the start.
// `node bench/soak.ts [--minutes 2] [--out <folder>]`
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ask, endAfter, startLoad } from './children.ts'
import { newKey } from './key.ts'
import type { Taken } from './load.ts'
import type { Probe, Reading } from './probe.ts'
import { type Program, startGateway, startStub } from './programs.ts'
import { converted, type Question, request, same } from './requests.ts'
import type { Soaked } from './results.ts'
import { judgedTogether, slope } from './slope.ts'

type Verdict = Soaked['verdicts'][number]

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '2' }, out: { type: 'string' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new TypeError(`--minutes is a number above 0, not ${values.minutes}`)

/** Each sample drops the garbage first: what is left is what a leak would be made of. */
const sampleMilliseconds = 2000
/** Of the samples, those of the first part are not judged: heaps and pools are still growing. */
const warmShare = 1 / 3
const leaveEvery = 20
const fastCallers = 12
const slowCallers = 200
/** Connections to the upstream are closed when they have been at rest for 4 s. */
const quietMilliseconds = 20_000
const mostSlope = 1
const slopeMinutes = 10

const unknown: Question = { ...same(200, false), body: same(200, false).body.replace('"bench"', '"nobody"') }
const broken: Question = { ...same(200, false), body: '{"model":"bench","messages":[' }
/** One that fails and one that is cut among these, so that the upstream stays in use. */
const quickly: readonly Question[] = [
  ...[200, 2000, 100_000].flatMap(bytes => [same(bytes, false), converted(bytes, false), same(bytes, true)]),
  converted(200, true),
  converted(2000, true),
  unknown,
  broken,
  same(200, false),
  same(200, false, 'fail'),
  same(200, true),
  converted(200, false),
  same(200, true, 'cut'),
  same(200, false),
  same(200, true),
]
const slowly: readonly Question[] = [same(200, true, 'paced'), converted(200, true, 'paced')]

interface Sample extends Reading {
  /** Minutes since the traffic began. */
  readonly at: number
}

const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`

const held = (holds: boolean) => (holds ? 'held' : 'missed')

function memory(samples: readonly Sample[]): Verdict {
  const { level, up, doubt } = slope(samples.map(({ at, residentBytes }) => ({ at, value: residentBytes })))
  const percent = (bytes: number) => (bytes * slopeMinutes * 100) / level
  const [share, width] = [percent(up), percent(doubt)]
  const seconds = ((samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)) * 60
  return {
    verdict: share - width > mostSlope ? 'missed' : share + width > mostSlope ? 'unclear' : 'held',
    line:
      `resident memory after garbage collection: ${share.toFixed(1)} % ± ${width.toFixed(1)} in ${slopeMinutes} minutes (at most ${mostSlope} %), ` +
      `mean ${mib(level)}, from ${samples.length} samples over ${seconds.toFixed(0)} s after warm-up, ${judgedTogether} judged together; unclear asks for more minutes`,
  }
}

async function soak(folder: string): Promise<readonly Verdict[]> {
  using quick = startLoad()
  using slow = startLoad()
  const stub = await startStub()
  const gateway = await startGateway(stub.port, { folder, key: newKey(), collectable: true })
  const reading = (probe: Probe) => ask<Reading>(gateway.name, gateway.process, probe)
  const requests = (questions: readonly Question[]) => questions.map(one => request(gateway, one))
  const traffic = (milliseconds: number) =>
    Promise.all([
      quick.take({ ...order(gateway, milliseconds), request: requests(quickly), connections: fastCallers }),
      slow.take({ ...order(gateway, milliseconds), request: requests(slowly), connections: slowCallers }),
    ])
  // The timers and sockets that stay are made by the first requests.
  await traffic(2000)
  const start = await quiet(reading, undefined)

  const samples: Sample[] = []
  const began = performance.now()
  const milliseconds = minutes * 60_000
  let taken: readonly Taken[] | undefined
  const driven = traffic(milliseconds).then(all => {
    taken = all
  })
  while (!taken) {
    await Promise.race([wait(sampleMilliseconds), driven])
    samples.push({ ...(await reading('collect')), at: (performance.now() - began) / 60_000 })
    const { residentBytes, sockets, inflight } = samples.at(-1) ?? start
    if (samples.length % 15 === 0)
      console.log(`${mib(residentBytes)} resident, ${sockets} sockets, ${inflight} in flight`)
  }
  await driven
  const end = await quiet(reading, start)
  return judge({ start, end, samples, taken })
}

const order = (gateway: Program, milliseconds: number) => ({ port: gateway.port, milliseconds, leaveEvery })

/** Waits until nothing is open any more, or as little as at the start, for a bounded time. */
async function quiet(
  reading: (probe: Probe) => Promise<Reading>,
  start: Reading | undefined,
): Promise<Reading> {
  const began = performance.now()
  for (;;) {
    const now = await reading('count')
    const rest =
      now.inflight === 0 &&
      now.sockets <= (start?.sockets ?? 0) &&
      now.timers <= (start?.timers ?? now.timers)
    if (rest || performance.now() - began > quietMilliseconds) return now
    await wait(250)
  }
}

interface Traffic {
  readonly start: Reading
  readonly end: Reading
  readonly samples: readonly Sample[]
  readonly taken: readonly Taken[]
}

function judge({ start, end, samples, taken }: Traffic): readonly Verdict[] {
  const sum = (pick: (one: Taken) => number) => taken.reduce((all, one) => all + pick(one), 0)
  const asked = sum(({ answers, errors, left }) => answers + errors + left)
  const whole = sum(({ answers }) => answers)
  const errors = sum(one => one.errors)
  const statuses = taken.flatMap(({ refused }) =>
    Object.entries(refused).map(([status, n]) => `${n} of ${status}`),
  )
  const cut = sum(one => one.broken)
  const left = sum(one => one.left)
  console.log(
    `${asked} requests in ${minutes} minutes: ${whole} whole, ${errors - cut} refused (${statuses.join(', ')}), ${cut} cut, ${left} left by their callers`,
  )
  const warm = samples.slice(Math.floor(samples.length * warmShare))
  const heap = end.heapBytes - start.heapBytes
  const same = (name: string, pick: (one: Reading) => number): Verdict => ({
    verdict: held(pick(end) <= pick(start)),
    line: `${name}: ${pick(start)} at the start, ${pick(end)} at the end`,
  })
  return [
    memory(warm),
    {
      verdict: held(heap <= 0.1 * start.heapBytes),
      line: `heap after garbage collection: ${mib(start.heapBytes)} at the start, ${mib(end.heapBytes)} at the end (at most 10 % more)`,
    },
    same('sockets of callers and upstreams', one => one.sockets),
    same('timers', one => one.timers),
    same('requests in flight', one => one.inflight),
  ]
}

endAfter((minutes + 3) * 60_000)
const folder = mkdtempSync(join(tmpdir(), 'soak-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const verdicts = await soak(folder)
const lines = verdicts.map(({ verdict, line }) => `${verdict.padEnd(8)}${line}`)
console.log(lines.join('\n'))
const soaked: Soaked = { at: new Date().toISOString(), node: process.version, minutes, verdicts }
writeFileSync(
  join(values.out ?? join(import.meta.dirname, 'results'), 'soak.json'),
  `${JSON.stringify(soaked, null, 2)}\n`,
)
process.exit(verdicts.some(({ verdict }) => verdict === 'missed') ? 1 : 0)
