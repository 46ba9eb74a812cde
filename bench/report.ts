// The numbers of a run as tables: the bars first, then medians, the worst round, and ratios to the references.
import { type Bar, bars, type Verdict, verdict } from './bars.ts'
import { idleWanted } from './connections.ts'
import { type Cell, median, type Paced, type Results, type Rounds, ratio, subject } from './results.ts'
import { names } from './rounds.ts'

const whole = (value: number) => Math.round(value).toLocaleString('en')
const signed = (value: number) => `${value < 0 ? '' : '+'}${whole(value)}`
const tenths = (value: number) => value.toFixed(1)
const times = (value: number) => (Number.isFinite(value) ? `${value.toFixed(2)}x` : '-')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

function measured({ unit, value }: Bar): string {
  if (!Number.isFinite(value)) return '-'
  if (unit === '') return whole(value)
  return unit === 'x' ? times(value) : `${value.toFixed(unit === 'ms' ? 2 : 1)} ${unit}`
}

function limit({ bar, unit }: Bar): string {
  const [sign, value] =
    'most' in bar
      ? (['at most', bar.most] as const)
      : 'below' in bar
        ? (['below', bar.below] as const)
        : (['at least', bar.least] as const)
  const number = value.toLocaleString('en')
  return `${sign} ${unit === 'x' || unit === '' ? `${number}${unit}` : `${number} ${unit}`}`
}

function barTable(results: Results): string[] {
  const rows = bars(results)
  const count = (wanted: Verdict) => rows.filter(row => verdict(row) === wanted).length
  const limited = count('as many as the machine allows')
  return [
    '## Bars',
    table(
      ['measure', 'bar', 'measured', 'verdict'],
      rows.map(row => [row.measure, limit(row), measured(row), verdict(row)]),
    ),
    `${count('met')} of ${rows.length} met, ${count('missed')} missed, ${count('not measured')} not measured` +
      `${limited > 0 ? `, ${limited} at the machine's limit` : ''}. ` +
      'Ratios are of medians over the rounds of this run; times are absolute, and other work on the machine is in them.',
  ]
}

/** What a conversion costs beside the same request in the upstream's own dialect. */
const plain: Readonly<Record<string, string>> = {
  [names.convertedJson]: names.json,
  [names.convertedStream]: names.stream,
}

function besidePassThrough(scenario: string, mine: Record<string, Cell[]>, cells: Rounds<Cell>): string[] {
  const passed = cells[plain[scenario] ?? '']
  if (!passed) return []
  const cost = (others: readonly Cell[] | undefined) =>
    times(ratio(mine[subject], others, cell => cell.cpuMicroseconds))
  return [`switchyard's CPU: ${cost(passed[subject])} its own pass-through's, ${cost(passed.nginx)} nginx's.`]
}

function cellTable(scenario: string, programs: Record<string, Cell[]>, cells: Rounds<Cell>): string[] {
  const { direct } = programs
  const middle = (cells: readonly Cell[] | undefined, pick: (cell: Cell) => number) =>
    median((cells ?? []).map(pick))
  const cost = (name: string, cells: readonly Cell[], pick: (cell: Cell) => number | undefined) => {
    const all = cells.map(pick).filter(one => one !== undefined)
    return name === 'direct' || all.length === 0
      ? '-'
      : `${tenths(median(all))} (${tenths(Math.max(...all))})`
  }
  const added = (name: string, cells: readonly Cell[], pick: (cell: Cell) => number) =>
    name === 'direct' || !direct ? '-' : signed(middle(cells, pick) - middle(direct, pick))
  const rows = Object.entries(programs).map(([name, own]) => [
    name,
    `${whole(middle(own, cell => cell.perSecond))} (${whole(Math.min(...own.map(cell => cell.perSecond)))})`,
    cost(name, own, cell => cell.cpuMicroseconds),
    cost(name, own, cell => cell.cpuPerChunk),
    whole(middle(own, cell => cell.p50)),
    `${whole(middle(own, cell => cell.p99))} (${whole(Math.max(...own.map(cell => cell.p99)))})`,
    added(name, own, cell => cell.p50),
    added(name, own, cell => cell.firstP99),
    whole(own.reduce((sum, { errors }) => sum + errors, 0)),
  ])
  const beside = Object.keys(programs).filter(name => name !== subject && name !== 'direct')
  const ratios = beside.map(
    name => `${times(ratio(programs[subject], programs[name], cell => cell.cpuMicroseconds))} ${name}'s`,
  )
  const head = [
    'program',
    'requests/s',
    'CPU µs/request',
    'CPU µs/chunk',
    'p50 µs',
    'p99 µs',
    'added p50',
    'added first byte p99',
    'errors',
  ]
  return [
    `## ${scenario}`,
    table(head, rows),
    ...(ratios.length > 0 ? [`switchyard's CPU: ${ratios.join(', ')}.`] : []),
    ...besidePassThrough(scenario, programs, cells),
  ]
}

function pacedTable({ paced }: Results): string[] {
  const same = paced[names.paced] ?? {}
  const pick = ({ cpuPerChunk }: Paced) => cpuPerChunk
  const beside = (others: readonly Paced[] | undefined) => times(ratio(same[subject], others, pick))
  const rows = Object.entries(paced).flatMap(([scenario, programs]) =>
    Object.entries(programs).map(([name, rounds]) => {
      const costs = rounds.map(({ cpuPerChunk }) => cpuPerChunk)
      return [
        `${name}, ${scenario}`,
        whole(median(rounds.map(({ chunksPerSecond }) => chunksPerSecond))),
        `${tenths(median(costs))} (${tenths(Math.max(...costs))})`,
      ]
    }),
  )
  return [
    '## 200 streams, a chunk on each every 10 ms',
    table(['program', 'chunks/s', 'CPU µs/chunk'], rows),
    'Counted while all of them are open; a chunk is one piece that the upstream wrote.' +
      ` switchyard's CPU: ${beside(same.nginx)} nginx's, ${beside(same['node:http + undici'])} the bare proxy's;` +
      ` converted ${times(ratio(paced[names.convertedPaced]?.[subject], same[subject], pick))} its own pass-through's.`,
  ]
}

function latencyTable({ latency: { rate, programs } }: Results): string[] {
  const middle = (name: string, pick: 'p50' | 'p99') =>
    median((programs[name] ?? []).map(latency => latency[pick]))
  const rows = Object.entries(programs).map(([name, rounds]) => [
    name,
    whole(middle(name, 'p50')),
    `${whole(middle(name, 'p99'))} (${whole(Math.max(...rounds.map(({ p99 }) => p99)))})`,
    name === 'direct' ? '-' : signed(middle(name, 'p50') - middle('direct', 'p50')),
    name === 'direct' ? '-' : signed(middle(name, 'p99') - middle('direct', 'p99')),
    tenths(median(rounds.map(({ stolen }) => stolen))),
    whole(rounds.reduce((sum, { errors }) => sum + errors, 0)),
  ])
  return [
    `## Latency at ${whole(rate)} requests a second`,
    table(['program', 'p50 µs', 'p99 µs', 'added p50', 'added p99', 'stolen ms/s', 'errors'], rows),
    'Half of what switchyard carries in this run with 1 KB JSON on 16 connections, sent at a fixed rate to each program; ' +
      'stolen is the time that the host of the machine gave to others, in which nobody here could run.',
  ]
}

function bodiesTable({ bodies }: Results): string[] {
  const all = Object.entries(bodies).flatMap(([program, kinds]) =>
    Object.entries(kinds).map(([kind, one]) => [`${program}, ${kind}`, one] as const),
  )
  const late = (milliseconds: number | undefined) => milliseconds?.toFixed(2) ?? '-'
  const rows = all.map(([name, one]) => [
    name,
    late(one.loop?.loopP50),
    late(one.loop?.loopP99),
    late(one.loop?.loopMax),
    whole(one.smallP50),
    whole(one.smallP99),
    whole(one.bodies),
    whole(one.errors),
  ])
  const head = [
    '',
    'loop p50 ms',
    'loop p99 ms',
    'loop max ms',
    'small p50 µs',
    'small p99 µs',
    'bodies',
    'errors',
  ]
  return [
    '## Bodies of 10 MB, 4 at once, beside 200 small requests a second',
    table(head, rows),
    'The loop is timed inside the proxy: by how much a timer of 1 ms comes late. The bodies come again as soon as they are answered.',
  ]
}

function connectionsTable({ connections, memory }: Results): string[] {
  const kib = (bytes: number) => (Number.isFinite(bytes) ? tenths(bytes / 1024) : 'not opened')
  const rows = Object.entries(connections).map(([name, one]) => [
    name,
    whole(one.idle),
    kib(one.idleBytes),
    whole(one.streams),
    kib(one.streamBytes),
  ])
  const short = Object.values(connections).some(({ idleAllowed }) => idleAllowed < idleWanted)
  return [
    '## Connections on one process',
    table(['program', 'idle', 'KiB each', 'streams', 'KiB each'], rows),
    'Resident memory after garbage collection; idle callers have been answered once, and a stream has a chunk each second.' +
      (short
        ? ` Fewer than ${whole(idleWanted)} idle connections are what the limit of open files of this machine lets in.`
        : ''),
    '## Memory of an open stream, 500 at once, garbage included',
    table(
      ['program', 'KiB/stream'],
      Object.entries(memory).map(([name, bytes]) => [name, kib(bytes)]),
    ),
  ]
}

function soakTable({ soak }: Results): string[] {
  if (!soak) return []
  return [
    '## The last soak',
    table(
      ['', 'verdict'],
      soak.verdicts.map(({ line, verdict }) => [line, verdict]),
    ),
    `${soak.at}, Node ${soak.node}, ${soak.minutes} minutes of mixed traffic with 5 % of callers leaving.`,
  ]
}

export function report(results: Results): string {
  const { at, node, cpu, loadAverage, rounds, roundMilliseconds, apart, leftOut } = results
  return [
    '# The gateway beside its references',
    `${at}, Node ${node}, ${cpu}, load average ${loadAverage.toFixed(1)} at the start; ${rounds} interleaved rounds of ` +
      `${roundMilliseconds} ms; medians, worst round in brackets. Every program is one process on loopback with ` +
      'keep-alive. Switchyard runs with keys, routing, the usage journal on disk (fsynced within 20 ms; "fsync first" ' +
      'waits for it), shipping of it (to a store that only answers) and metrics; the access log is off, as it is for nginx. ' +
      (apart
        ? 'In the rounds each program has one core, and its callers and the upstream have the others.'
        : 'In the rounds all run on any core: the machine has but one, or no `taskset`.'),
    ...leftOut.map(reason => `Left out: ${reason}.`),
    ...barTable(results),
    ...Object.entries(results.cells).flatMap(([scenario, programs]) =>
      cellTable(scenario, programs, results.cells),
    ),
    ...pacedTable(results),
    ...latencyTable(results),
    ...bodiesTable(results),
    ...connectionsTable(results),
    ...soakTable(results),
  ].join('\n\n')
}
