// The numbers of a run as tables: medians, the worst round, and ratios to the references.

export interface Cell {
  readonly perSecond: number
  readonly cpuMicroseconds: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  readonly firstP50: number
  readonly firstP99: number
  readonly errors: number
}

export interface Results {
  readonly at: string
  readonly node: string
  readonly cpu: string
  readonly rounds: number
  readonly roundMilliseconds: number
  /** By scenario, then by program: one cell for each round. */
  readonly cells: Record<string, Record<string, Cell[]>>
  /** Resident bytes of each open stream, by program; NaN when it did not open them all. */
  readonly memory: Record<string, number>
}

const subject = 'switchyard'

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

const of = (cells: readonly Cell[] | undefined, what: keyof Cell) => (cells ?? []).map(cell => cell[what])

/** Median over the rounds of the ratio within a round: what slowed the machine slowed both. */
function ratio(
  mine: readonly Cell[] | undefined,
  others: readonly Cell[] | undefined,
  what: keyof Cell,
): number {
  return median((mine ?? []).map((cell, round) => cell[what] / (others?.[round]?.[what] ?? Number.NaN)))
}

const whole = (value: number) => Math.round(value).toLocaleString('en')
const times = (value: number) => (Number.isFinite(value) ? `${value.toFixed(2)}x` : '-')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

export function report(results: Results): string {
  const { at, node, cpu, rounds, roundMilliseconds, cells, memory } = results
  const parts = [
    '# The gateway beside its references',
    `${at}, Node ${node}, ${cpu}; ${rounds} interleaved rounds of ${roundMilliseconds} ms; medians, worst round in brackets. ` +
      'Every program is one process on loopback with keep-alive. Switchyard runs with keys, routing, the usage journal ' +
      'on disk (fsynced within 20 ms; "fsync first" waits for it), shipping of it (to a store that only answers) and metrics; ' +
      'the access log is off, as it is for nginx.',
  ]
  for (const [scenario, programs] of Object.entries(cells)) {
    const direct = programs.direct
    const rows = Object.entries(programs).map(([name, rounds]) => [
      name,
      `${whole(median(of(rounds, 'perSecond')))} (${whole(Math.min(...of(rounds, 'perSecond')))})`,
      name === 'direct'
        ? '-'
        : `${whole(median(of(rounds, 'cpuMicroseconds')))} (${whole(Math.max(...of(rounds, 'cpuMicroseconds')))})`,
      `${whole(median(of(rounds, 'p50')))}`,
      `${whole(median(of(rounds, 'p99')))} (${whole(Math.max(...of(rounds, 'p99')))})`,
      name === 'direct'
        ? '-'
        : `+${whole(median(of(rounds, 'p50').map((p50, i) => p50 - (direct?.[i]?.p50 ?? 0))))}`,
      name === 'direct'
        ? '-'
        : `+${whole(median(of(rounds, 'p99').map((p99, i) => p99 - (direct?.[i]?.p99 ?? 0))))}`,
      `${of(rounds, 'errors').reduce((sum, errors) => sum + errors, 0)}`,
    ])
    parts.push(
      `## ${scenario}`,
      table(
        ['program', 'requests/s', 'CPU µs/request', 'p50 µs', 'p99 µs', 'added p50', 'added p99', 'errors'],
        rows,
      ),
      `switchyard: CPU ${times(ratio(programs[subject], programs.nginx, 'cpuMicroseconds'))} nginx's, ` +
        `${times(ratio(programs[subject], programs['node:http + undici'], 'cpuMicroseconds'))} the bare proxy's; ` +
        `${times(ratio(programs[subject], programs.portkey, 'perSecond'))} Portkey's requests/s.`,
    )
  }
  parts.push(
    '## Memory of an open stream (500 at once)',
    table(
      ['program', 'KiB/stream'],
      Object.entries(memory).map(([name, bytes]) => [
        name,
        Number.isFinite(bytes) ? (bytes / 1024).toFixed(1) : 'not opened',
      ]),
    ),
  )
  return parts.join('\n\n')
}
