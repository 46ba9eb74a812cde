// The gateway beside a direct call, nginx, Portkey and a bare proxy, in one interleaved run. Other load on the
// machine falls on all of them alike, so that the ratios mean more than the numbers. `node bench/gateway.ts`.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { newKey } from './key.ts'
import type { Order, Taken } from './load.ts'
import {
  type Gauge,
  gaugeOf,
  type Program,
  startBare,
  startGateway,
  startNginx,
  startPortkey,
  startStub,
} from './programs.ts'
import { type Cell, type Results, report } from './report.ts'

const quick = process.argv.includes('--quick')
const rounds = quick ? 2 : 5
const roundMilliseconds = quick ? 600 : 1200
const warmMilliseconds = quick ? 1500 : 4000
const heldStreams = 500

const scenarios = {
  'JSON, 1 KB': body(200, false),
  'prompt, 100 KB': body(100_000, false),
  'stream, 50 chunks': body(200, true),
} as const

function body(promptBytes: number, stream: boolean, user = 'bench'): string {
  const content = 'The quick brown fox jumps over the lazy dog. '
    .repeat(Math.ceil(promptBytes / 45))
    .slice(0, promptBytes)
  const options = stream ? { stream: true, user } : { user }
  return JSON.stringify({ model: 'bench', ...options, messages: [{ role: 'user', content }] })
}

function request({ headers }: Program, text: string): string {
  return (
    'POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n' +
    `${headers}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  )
}

async function take(load: ChildProcess, order: Order): Promise<Taken> {
  load.send(order)
  const [taken] = (await once(load, 'message')) as [Taken]
  return taken
}

const portOf = (program: Program, stream: boolean) =>
  stream ? (program.streamPort ?? program.port) : program.port

async function measure(
  load: ChildProcess,
  program: Program,
  gauge: Gauge,
  text: string,
  connections: number,
  milliseconds = roundMilliseconds,
): Promise<Cell> {
  const stream = text.includes('"stream":true')
  const before = gauge.cpuMicroseconds()
  const taken = await take(load, {
    port: portOf(program, stream),
    request: request(program, text),
    connections,
    milliseconds,
  })
  const cpu = gauge.cpuMicroseconds() - before
  if (taken.answers === 0) throw new Error(`${program.name} gave no answer: ${JSON.stringify(taken)}`)
  return {
    perSecond: taken.answers / taken.seconds,
    cpuMicroseconds: cpu / taken.answers,
    p50: taken.p50,
    p99: taken.p99,
    firstP50: taken.firstP50,
    firstP99: taken.firstP99,
    errors: taken.errors,
  }
}

/** Resident bytes that each of many open streams adds. */
async function perStream(load: ChildProcess, program: Program, gauge: Gauge): Promise<number> {
  const before = gauge.residentBytes()
  const text = body(200, true, 'slow')
  const order = { port: portOf(program, true), request: request(program, text), connections: heldStreams }
  const { answers } = await take(load, { ...order, milliseconds: 4000, hold: true })
  const bytes = (gauge.residentBytes() - before) / Math.max(1, answers)
  // Letting go of the streams is an order of its own.
  await take(load, { ...order, connections: 0, milliseconds: 300 })
  return answers === heldStreams ? bytes : Number.NaN
}

async function run(): Promise<Results> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const started: Program[] = []
  const load = fork(join(import.meta.dirname, 'load.ts'), [], { execArgv: [] })
  try {
    const stub = await startStub()
    started.push(stub)
    for (const one of ['nginx', 'interval', 'reply']) mkdirSync(join(folder, one))
    const key = newKey()
    const gateway = await startGateway(stub.port, join(folder, 'interval'), key)
    started.push(gateway)
    started.push(await startNginx(stub.port, join(folder, 'nginx')))
    started.push(await startBare(stub.port))
    started.push(await startPortkey(stub.port))
    const strict = await startGateway(stub.port, join(folder, 'reply'), key, 'reply')
    started.push(strict)
    const gauges = new Map(started.map(program => [program, gaugeOf(program)]))
    const gauge = (program: Program) => gauges.get(program) ?? gaugeOf(program)

    // Memory first, before the heaps have grown under load.
    const memory: Record<string, number> = {}
    for (const program of started.slice(1))
      memory[program.name] = await perStream(load, program, gauge(program))

    // Until the code is compiled, the first seconds cost two to three times as much.
    for (const program of started)
      for (const [scenario, text] of Object.entries(scenarios))
        await measure(
          load,
          program,
          gauge(program),
          text,
          16,
          scenario.startsWith('JSON') ? warmMilliseconds : undefined,
        )

    const cells: Results['cells'] = {}
    const record = (scenario: string, { name }: Program, cell: Cell) => {
      cells[scenario] ??= {}
      cells[scenario][name] ??= []
      cells[scenario][name].push(cell)
    }
    for (let round = 0; round < rounds; round++) {
      // Each round begins with another program, so that none always follows the same one.
      const order = started.map((_, i) => started[(i + round) % started.length] as Program) // the index is in range
      for (const [scenario, text] of Object.entries(scenarios))
        for (const program of order)
          record(
            `${scenario}, 16 connections`,
            program,
            await measure(load, program, gauge(program), text, 16),
          )
      for (const program of order)
        record(
          'JSON, 1 KB, 1 connection',
          program,
          await measure(load, program, gauge(program), scenarios['JSON, 1 KB'], 1),
        )
      process.stdout.write(`round ${round + 1} of ${rounds}\n`)
    }
    const cpu = cpus()
    return {
      at: new Date().toISOString(),
      node: process.version,
      cpu: `${cpu.length} x ${cpu[0]?.model ?? ''}`,
      rounds,
      roundMilliseconds,
      cells,
      memory,
    }
  } finally {
    load.kill()
    for (const { process: child } of started.reverse()) child.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

const results = await run()
const text = report(results)
console.log(text)
const out = join(import.meta.dirname, 'results')
mkdirSync(out, { recursive: true })
writeFileSync(join(out, 'gateway.json'), `${JSON.stringify(results, null, 2)}\n`)
writeFileSync(join(out, 'gateway.md'), `${text}\n`)
