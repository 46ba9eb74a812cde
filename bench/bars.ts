// What the gateway is held to, each row with the value that a run has found for it.
import { kinds } from './bodies.ts'
import { idleWanted, streamsWanted } from './connections.ts'
import { type Cell, type Latency, median, type Paced, type Results, ratio, subject } from './results.ts'
import { names } from './rounds.ts'

export interface Bar {
  readonly measure: string
  /** `below` is strict. */
  readonly bar: { readonly most: number } | { readonly below: number } | { readonly least: number }
  readonly unit: 'x' | 'ms' | 'KiB' | ''
  /** NaN when it was not measured. */
  readonly value: number
  /** The most that this machine could have shown, when that is less than the bar. */
  readonly allowed?: number
}

export type Verdict = 'met' | 'missed' | 'not measured' | 'as many as the machine allows'

const bare = 'node:http + undici'
const go = 'Go ReverseProxy'
const bytesOfKiB = 1024

const cpu = ({ cpuMicroseconds }: Cell) => cpuMicroseconds
const chunk = ({ cpuPerChunk }: Cell | Paced) => cpuPerChunk

/** Milliseconds that a program adds to the direct call's quantile. */
function added({ latency }: Results, name: string, pick: (one: Latency) => number): number {
  const middle = (program: string) => median((latency.programs[program] ?? []).map(pick))
  return (middle(name) - middle('direct')) / 1000
}

export function bars(results: Results): readonly Bar[] {
  const { cells, paced, bodies, connections } = results
  const json = cells[names.json] ?? {}
  const stream = cells[names.stream] ?? {}
  const pace = paced[names.paced] ?? {}
  const passing = bodies[subject]?.[kinds.same]
  const converting = bodies[subject]?.[kinds.converted]
  const held = connections[subject]
  const heldBare = connections[bare]
  const convertedStream = cells[names.convertedStream]?.[subject]
  const convertedPace = paced[names.convertedPaced]?.[subject]
  const direct = bodies.direct?.[kinds.same]
  return [
    {
      measure: "CPU of a 1 KB request, beside nginx's",
      bar: { most: 2.5 },
      unit: 'x',
      value: ratio(json[subject], json.nginx, cpu),
    },
    {
      measure: "CPU of a 1 KB request, beside Go's ReverseProxy's",
      bar: { below: 1 },
      unit: 'x',
      value: ratio(json[subject], json[go], cpu),
    },
    {
      measure: "CPU of a 1 KB request at @portkey-ai/gateway, beside Switchyard's",
      bar: { least: 20 },
      unit: 'x',
      value: ratio(json.portkey, json[subject], cpu),
    },
    {
      measure: "CPU of a chunk of 50 at once, same dialect, beside nginx's",
      bar: { most: 2 },
      unit: 'x',
      value: ratio(stream[subject], stream.nginx, chunk),
    },
    {
      measure: "CPU of a chunk, 10 ms apart on 200 streams, same dialect, beside nginx's",
      bar: { most: 2 },
      unit: 'x',
      value: ratio(pace[subject], pace.nginx, chunk),
    },
    {
      measure: 'CPU of a chunk of 50 at once, converted, beside pass-through',
      bar: { most: 3 },
      unit: 'x',
      value: ratio(convertedStream, stream[subject], chunk),
    },
    {
      measure: 'CPU of a chunk, 10 ms apart on 200 streams, converted, beside pass-through',
      bar: { most: 3 },
      unit: 'x',
      value: ratio(convertedPace, pace[subject], chunk),
    },
    {
      measure: 'added latency at half of saturation, p50',
      bar: { below: 0.3 },
      unit: 'ms',
      value: added(results, subject, ({ p50 }) => p50),
    },
    {
      measure: 'added latency at half of saturation, p99',
      bar: { below: 2 },
      unit: 'ms',
      value: added(results, subject, ({ p99 }) => p99),
    },
    {
      measure: 'event-loop delay p99 while 10 MB bodies pass, 4 at once, same dialect',
      bar: { below: 20 },
      unit: 'ms',
      value: passing?.loop?.loopP99 ?? Number.NaN,
    },
    {
      measure: 'event-loop delay p99 while 10 MB bodies pass, 4 at once, converted',
      bar: { below: 20 },
      unit: 'ms',
      value: converting?.loop?.loopP99 ?? Number.NaN,
    },
    {
      measure: "small requests' p99 beside bodies of the same dialect, beside a direct call's",
      bar: { most: 2 },
      unit: 'x',
      value: (passing?.smallP99 ?? Number.NaN) / (direct?.smallP99 ?? Number.NaN),
    },
    {
      measure: 'idle keep-alive connections on one process',
      bar: { least: idleWanted },
      unit: '',
      value: held?.idle ?? Number.NaN,
      allowed: held?.idleAllowed ?? idleWanted,
    },
    {
      measure: 'memory of an idle connection',
      bar: { most: 16 },
      unit: 'KiB',
      value: (held?.idleBytes ?? Number.NaN) / bytesOfKiB,
    },
    {
      measure: 'open streams on one process',
      bar: { least: streamsWanted },
      unit: '',
      value: held?.streams ?? Number.NaN,
      allowed: held?.streamsAllowed ?? streamsWanted,
    },
    {
      measure: 'memory of an open stream, both sockets',
      bar: { most: 64 },
      unit: 'KiB',
      value: (held?.streamBytes ?? Number.NaN) / bytesOfKiB,
    },
    {
      measure: "memory of an open stream, beside the bare proxy's",
      bar: { most: 3 },
      unit: 'x',
      value: (held?.streamBytes ?? Number.NaN) / (heldBare?.streamBytes ?? Number.NaN),
    },
  ]
}

export function verdict({ bar, value, allowed }: Bar): Verdict {
  if (!Number.isFinite(value)) return 'not measured'
  if ('most' in bar) return value <= bar.most ? 'met' : 'missed'
  if ('below' in bar) return value < bar.below ? 'met' : 'missed'
  if (allowed !== undefined && allowed < bar.least && value >= allowed) return 'as many as the machine allows'
  return value >= bar.least ? 'met' : 'missed'
}
