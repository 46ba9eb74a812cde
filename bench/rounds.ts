// The interleaved rounds: every scenario before every program that can take it, each round in another order.
import { setTimeout as wait } from 'node:timers/promises'
import { ask, type Load } from './children.ts'
import { type Gauge, gaugeOf } from './gauge.ts'
import { isProxy, type Program } from './programs.ts'
import { converted, portOf, type Question, request, same } from './requests.ts'
import { type Cell, type Paced, type Rounds, subject, wire } from './results.ts'
import type { Written } from './stub.ts'

export interface Times {
  readonly rounds: number
  readonly roundMilliseconds: number
  readonly warmMilliseconds: number
}

export interface Field {
  readonly load: Load
  readonly stub: Program
  /** The stub among them, for the direct call. */
  readonly programs: readonly Program[]
}

interface Scenario {
  readonly name: string
  readonly question: Question
  readonly connections: number
  readonly takes: (program: Program) => boolean
}

const strict = ({ name }: Program) => name.endsWith('fsync first')

export const names = {
  json: 'JSON, 1 KB, 16 connections',
  alone: 'JSON, 1 KB, 1 connection',
  prompt: 'prompt, 100 KB, 16 connections',
  stream: 'stream, 50 chunks, 16 connections',
  convertedJson: 'JSON, 1 KB, Anthropic to OpenAI, 16 connections',
  convertedStream: 'stream, 50 chunks, Anthropic to OpenAI, 16 connections',
  paced: 'same dialect',
  convertedPaced: 'Anthropic to OpenAI',
} as const

const everyone = () => true
const quick = (program: Program) => !strict(program) && program.name !== wire
const ours = ({ name }: Program) => name === subject

const scenarios: readonly Scenario[] = [
  { name: names.json, question: same(200, false), connections: 16, takes: everyone },
  { name: names.convertedJson, question: converted(200, false), connections: 16, takes: ours },
  { name: names.alone, question: same(200, false), connections: 1, takes: everyone },
  { name: names.prompt, question: same(100_000, false), connections: 16, takes: quick },
  { name: names.stream, question: same(200, true), connections: 16, takes: quick },
  { name: names.convertedStream, question: converted(200, true), connections: 16, takes: ours },
]

const paces: readonly Scenario[] = [
  {
    name: names.paced,
    question: same(200, true, 'paced'),
    connections: 200,
    takes: program => isProxy(program) && quick(program),
  },
  { name: names.convertedPaced, question: converted(200, true, 'paced'), connections: 200, takes: ours },
]

/** Not counted: after the seconds in which the others had their turn the first requests cost more. */
export const leadMilliseconds = 300
const openMilliseconds = 5000
/** Longer than the stub's longest stream at 10 ms: a proxy may read on when its caller has left. */
const endMilliseconds = 8000

const written = ({ name, process }: Program) => ask<Written>(name, process, 'written')

async function measure(
  { load, stub }: Field,
  program: Program,
  gauge: Gauge,
  { question, connections }: Scenario,
  milliseconds: number,
): Promise<Cell> {
  const order = { port: portOf(program, question), request: request(program, question), connections }
  await load.take({ ...order, milliseconds: leadMilliseconds })
  const { pieces: piecesBefore } = await written(stub)
  const before = gauge.cpuMicroseconds()
  const taken = await load.take({ ...order, milliseconds })
  const cpu = gauge.cpuMicroseconds() - before
  const pieces = (await written(stub)).pieces - piecesBefore
  if (taken.answers === 0) throw new Error(`${program.name} gave no answer: ${JSON.stringify(taken)}`)
  const { p50, p99, firstP50, firstP99, errors } = taken
  return {
    perSecond: taken.answers / taken.seconds,
    cpuMicroseconds: cpu / taken.answers,
    ...(question.stream ? { cpuPerChunk: cpu / pieces } : {}),
    p50,
    p99,
    firstP50,
    firstP99,
    errors,
  }
}

/** The streams are open before the time begins and after it ends: only pieces that pass are counted. */
async function pace(
  { load, stub }: Field,
  program: Program,
  gauge: Gauge,
  { question, connections }: Scenario,
  milliseconds: number,
): Promise<Paced> {
  const port = portOf(program, question)
  const order = { port, request: request(program, question), milliseconds: openMilliseconds }
  const { answers } = await load.take({ ...order, connections, hold: 'streams' })
  if (answers !== connections) throw new Error(`${program.name} opened ${answers} of ${connections} streams`)
  await wait(leadMilliseconds)
  const { pieces: piecesBefore } = await written(stub)
  const before = gauge.cpuMicroseconds()
  const started = performance.now()
  await wait(milliseconds)
  const cpu = gauge.cpuMicroseconds() - before
  const pieces = (await written(stub)).pieces - piecesBefore
  const seconds = (performance.now() - started) / 1000
  await load.take({ ...order, connections: 0, milliseconds: 20 })
  const left = performance.now()
  while ((await written(stub)).paced > 0)
    if (performance.now() - left > endMilliseconds) throw new Error(`${program.name} ended no stream`)
    else await wait(20)
  return { chunksPerSecond: pieces / seconds, cpuPerChunk: cpu / pieces }
}

function record<T>(rounds: Rounds<T>, scenario: string, { name }: Program, one: T): void {
  rounds[scenario] ??= {}
  rounds[scenario][name] ??= []
  rounds[scenario][name].push(one)
}

export async function runRounds(
  field: Field,
  times: Times,
  say: (line: string) => void,
): Promise<{ cells: Rounds<Cell>; paced: Rounds<Paced> }> {
  const { programs } = field
  const gauges = new Map(programs.map(program => [program, gaugeOf(program)]))
  const gauge = (program: Program) => gauges.get(program) ?? gaugeOf(program)
  // Until the code is compiled, the first seconds cost two to three times as much.
  for (const program of programs.filter(isProxy))
    for (const [i, scenario] of scenarios.entries())
      if (scenario.takes(program) && scenario.connections > 1)
        await measure(
          field,
          program,
          gauge(program),
          scenario,
          i === 0 ? times.warmMilliseconds : times.roundMilliseconds,
        )
  say('warm')
  const cells: Rounds<Cell> = {}
  const paced: Rounds<Paced> = {}
  for (let round = 0; round < times.rounds; round++) {
    // Each round begins with another program, so that none always follows the same one.
    const order = programs.map((_, i) => programs[(i + round) % programs.length] as Program) // the index is in range
    for (const scenario of scenarios)
      for (const program of order.filter(scenario.takes))
        record(
          cells,
          scenario.name,
          program,
          await measure(field, program, gauge(program), scenario, times.roundMilliseconds),
        )
    for (const scenario of paces)
      for (const program of order.filter(scenario.takes))
        record(
          paced,
          scenario.name,
          program,
          await pace(field, program, gauge(program), scenario, times.roundMilliseconds),
        )
    say(`round ${round + 1} of ${times.rounds}`)
  }
  return { cells, paced }
}

const heldStreams = 500

/** Resident bytes that each of many open streams adds; NaN when they do not all open. */
export async function perStream(load: Load, program: Program): Promise<number> {
  const gauge = gaugeOf(program)
  const before = gauge.residentBytes()
  const question = same(200, true, 'slow')
  const order = {
    port: portOf(program, question),
    request: request(program, question),
    milliseconds: openMilliseconds,
  }
  const { answers } = await load.take({ ...order, connections: heldStreams, hold: 'streams' })
  const bytes = (gauge.residentBytes() - before) / Math.max(1, answers)
  // Letting go of the streams is an order of its own.
  await load.take({ ...order, connections: 0, milliseconds: 300 })
  return answers === heldStreams ? bytes : Number.NaN
}
