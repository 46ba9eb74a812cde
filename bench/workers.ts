// Whole servers with 1, 2 and 4 workers in turns, on one provider: what a request costs must not rise with them.
// `node bench/workers.ts [--rounds 5] [--out <folder>]`
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { beginMilliseconds, endAfter, heard, keep, type Load, startLoad } from './children.ts'
import { cpuOf } from './gauge.ts'
import { freePort, type Program, startStub } from './programs.ts'
import { request, same } from './requests.ts'
import { median } from './results.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, out: { type: 'string' } },
})
const rounds = Number(values.rounds)
if (!(Number.isInteger(rounds) && rounds > 0))
  throw new TypeError(`--rounds is a number above 0, not ${values.rounds}`)

const counts = [1, 2, 4] as const
const connections = 64
const roundMilliseconds = 1500
const warmMilliseconds = 4000
/** The first start makes the database of its folder. */
const startMilliseconds = 6 * beginMilliseconds
/** CPU of a request with as many workers as there are cores, beside one. */
const mostRatio = 1.25
const most = counts.findLast(count => count <= availableParallelism()) ?? 1
const question = same(200, false)

interface Server extends AsyncDisposable {
  readonly program: Program
  readonly workers: number
  pids(): readonly number[]
}

interface Cell {
  readonly perSecond: number
  /** Of the workers alone. */
  readonly cpuMicroseconds: number
  /** Of the busiest worker's CPU, beside an even share of it. */
  readonly uneven: number
  readonly p50: number
  readonly p99: number
  readonly errors: number
}

const configuration = (port: number) => `apiVersion: switchyard.dev/v1
kind: Provider
metadata: { name: stub }
spec:
  type: openai
  baseUrl: http://127.0.0.1:${port}/v1
  allowCidrs: [127.0.0.0/8]
---
apiVersion: switchyard.dev/v1
kind: Route
metadata: { name: bench }
spec:
  names: [bench]
  tiers:
    - targets: [{ provider: stub, model: bench }]
`

async function startServer(upstream: number, workers: number): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), `bench-workers-${workers}-`))
  const config = join(folder, 'switchyard.yaml')
  writeFileSync(config, configuration(upstream))
  const port = await freePort()
  const main = join(import.meta.dirname, '../apps/server/src/main.ts')
  const env = {
    ...process.env,
    SWITCHYARD_DATA: join(folder, 'data'),
    SWITCHYARD_PORT: `${port}`,
    SWITCHYARD_CONFIG: config,
    SWITCHYARD_WORKERS: `${workers}`,
    SWITCHYARD_ACCESS_LOG: 'off',
  }
  const run = (command: string) =>
    fork(main, [command], { env, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const child = keep(run('up'))
  const name = `${workers} ${workers === 1 ? 'worker' : 'workers'}`
  const { apiKey } = await heard(name, child, readyOf(child), startMilliseconds)
  const program = { name, port, process: child, headers: `authorization: Bearer ${apiKey}\r\n` }
  return {
    program,
    workers,
    pids: () =>
      (JSON.parse(readFileSync(join(env.SWITCHYARD_DATA, 'workers.json'), 'utf8')) as { pid: number }[]) // written by the server
        .map(({ pid }) => pid),
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
      await once(run('down'), 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Told {
  readonly type: string
  readonly message?: string
  readonly quickstart?: { readonly apiKey: string }
}

/** What a server says of itself when it is ready. */
function readyOf(child: ChildProcess): Promise<{ readonly apiKey: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly apiKey: string }>()
  child.on('message', ({ type, quickstart, message }: Told) => {
    if (type === 'ready' && quickstart) resolve(quickstart)
    else if (type === 'failed') reject(new Error(message))
  })
  return promise
}

async function take(load: Load, { program, pids }: Server, milliseconds: number): Promise<Cell> {
  const workers = pids()
  const spent = () => workers.map(pid => cpuOf(pid))
  const before = spent()
  const { answers, errors, seconds, p50, p99 } = await load.take({
    port: program.port,
    request: request(program, question),
    connections,
    milliseconds,
  })
  const shares = spent().map((cpu, i) => cpu - (before[i] ?? 0))
  const all = shares.reduce((sum, share) => sum + share, 0)
  return {
    perSecond: answers / seconds,
    cpuMicroseconds: all / answers,
    uneven: (Math.max(...shares) * shares.length) / all,
    p50,
    p99,
    errors,
  }
}

/** The route is there once the configuration is in force, with every worker. */
async function serves(load: Load, server: Server): Promise<void> {
  const began = performance.now()
  for (;;) {
    const { answers, errors } = await load.take({
      port: server.program.port,
      request: request(server.program, question),
      connections: 4 * server.workers,
      milliseconds: 200,
    })
    if (answers > 0 && errors === 0) return
    if (performance.now() - began > beginMilliseconds) throw new Error(`${server.program.name} did not serve`)
    await wait(200)
  }
}

function report(cells: ReadonlyMap<string, readonly Cell[]>): { text: string; met: boolean } {
  const of = (all: readonly Cell[], pick: (cell: Cell) => number) => median(all.map(pick))
  const all = [...cells.values()]
  const one = of(all[0] ?? [], cell => cell.cpuMicroseconds)
  const rows = [...cells].map(([name, taken]) => {
    const cpu = of(taken, cell => cell.cpuMicroseconds)
    const rate = Math.round(of(taken, cell => cell.perSecond)).toLocaleString('en')
    const errors = taken.reduce((sum, cell) => sum + cell.errors, 0)
    const times = [of(taken, cell => cell.p50), of(taken, cell => cell.p99)].join(' | ')
    return `| ${name} | ${rate} | ${cpu.toFixed(1)} | ${(cpu / one).toFixed(2)}x | ${of(taken, cell => cell.uneven).toFixed(2)} | ${times} | ${errors} |`
  })
  const ratio = of(all[counts.indexOf(most)] ?? [], cell => cell.cpuMicroseconds) / one
  const met = ratio <= mostRatio && all.flat().every(({ errors }) => errors === 0)
  const text = [
    '# Whole servers with several workers',
    `${new Date().toISOString()}, Node ${process.version}, ${availableParallelism()} x ${cpus()[0]?.model.trim()}; ${rounds} rounds of ${roundMilliseconds} ms in turns, 1 KB JSON on ${connections} connections to one provider; medians. Callers and provider have their part of the same cores, so that requests/s rise with the workers only where there are more cores than they need; the CPU of a request shows what sharing the work costs. With more workers than cores each turn of a worker finds less to do at once.`,
    [
      '| server | requests/s | CPU µs/request | beside one | busiest beside its share | p50 µs | p99 µs | errors |',
      '|---|---:|---:|---:|---:|---:|---:|---:|',
      ...rows,
    ].join('\n'),
    `CPU of a request with ${most} workers, beside one: ${ratio.toFixed(2)}x, at most ${mostRatio}x: ${met ? 'met' : 'missed'}.`,
  ].join('\n\n')
  return { text, met }
}

async function run(): Promise<boolean> {
  using load = startLoad()
  const stub = await startStub()
  await using stack = new AsyncDisposableStack()
  const servers: Server[] = []
  for (const workers of counts) {
    servers.push(stack.use(await startServer(stub.port, workers)))
    console.log(`${servers.at(-1)?.program.name} ready`)
  }
  const cells = new Map<string, Cell[]>(servers.map(({ program }) => [program.name, []]))
  for (const server of servers) {
    await serves(load, server)
    await take(load, server, warmMilliseconds)
  }
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < servers.length; turn++) {
      const server = servers[(round + turn) % servers.length]
      if (server) cells.get(server.program.name)?.push(await take(load, server, roundMilliseconds))
    }
  const { text, met } = report(cells)
  console.log(text)
  writeFileSync(join(values.out ?? join(import.meta.dirname, 'results'), 'workers.md'), `${text}\n`)
  return met
}

endAfter(5 * 60_000)
process.exit((await run()) ? 0 : 1)
