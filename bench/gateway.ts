// The gateway beside a direct call, nginx, Go, Portkey and a bare proxy, in one interleaved run. Other load on the
// machine falls on all of them alike, so that the ratios mean more than the numbers.
// `node bench/gateway.ts [--quick] [--out <folder>]`; a quick run only prints.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bodies } from './bodies.ts'
import { endAfter, startLoad } from './children.ts'
import { connections } from './connections.ts'
import { letAnywhere, setApart } from './cores.ts'
import { newKey } from './key.ts'
import { latency } from './latency.ts'
import {
  type Program,
  startBare,
  startGateway,
  startNginx,
  startPortkey,
  startReverse,
  startStub,
  startWire,
} from './programs.ts'
import { report } from './report.ts'
import { type Latency, median, type Results, type Soaked, subject, wire } from './results.ts'
import { names, perStream, runRounds, type Times } from './rounds.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } })
const quick = values.quick === true
const times: Times = quick
  ? { rounds: 2, roundMilliseconds: 400, warmMilliseconds: 1000 }
  : { rounds: 5, roundMilliseconds: 1000, warmMilliseconds: 3000 }
const latencyRounds = quick ? 2 : 5
const latencyMilliseconds = quick ? 600 : 1200
const bodiesMilliseconds = quick ? 2000 : 5000
const mostMinutes = 12

const say = (line: string) => void process.stdout.write(`${line}\n`)

const pidOf = ({ process }: Pick<Program, 'process'>) => process.pid ?? 0

async function run(folder: string): Promise<Results> {
  const place = (name: string) => {
    const path = join(folder, name)
    mkdirSync(path)
    return path
  }
  const loadAverage = loadavg()[0] ?? 0
  using load = startLoad()
  using second = startLoad()
  const stub = await startStub()
  const key = newKey()
  const gateway = await startGateway(stub.port, { folder: place('interval'), key })
  const nginx = await startNginx(stub.port, place('nginx'))
  const bare = await startBare(stub.port)
  const reverse = await startReverse(stub.port, folder)
  const leftOut = typeof reverse === 'string' ? [reverse] : []
  for (const reason of leftOut) say(reason)
  const programs: readonly Program[] = [
    stub,
    gateway,
    nginx,
    bare,
    await startWire(stub.port),
    ...(typeof reverse === 'string' ? [] : [reverse]),
    await startPortkey(stub.port),
    await startGateway(stub.port, { folder: place('reply'), key, sync: 'reply' }),
  ]
  say('all have begun')

  const measured = programs.slice(1).map(pidOf)
  const others = [stub, load, second].map(pidOf)

  // Memory first, before the heaps have grown under load.
  const memory: Record<string, number> = {}
  for (const program of programs.slice(1).filter(({ name }) => name !== wire))
    memory[program.name] = await perStream(load, program)

  const apart = setApart(measured, others)
  const { cells, paced } = await runRounds({ load, stub, programs }, times, say)
  if (apart) letAnywhere([...measured, ...others])

  const saturation = median((cells[names.json]?.[subject] ?? []).map(({ perSecond }) => perSecond))
  const rate = Math.round(saturation / 2)
  const latencies: Record<string, Latency[]> = {}
  for (let round = 0; round < latencyRounds; round++)
    for (const program of [stub, gateway, nginx, bare]) {
      latencies[program.name] ??= []
      latencies[program.name]?.push(await latency(load, program, rate, latencyMilliseconds))
    }
  say(`latency at ${rate} requests a second`)

  const passed = await bodies(load, second, [stub, gateway, bare], bodiesMilliseconds)
  say('bodies of 10 MB')
  for (const program of programs.slice(1)) program.process.kill()

  const collectable = true
  const upstreams = 8192
  let fresh = 0
  const held = {
    [gateway.name]: await connections(load, () =>
      startGateway(stub.port, {
        folder: place(`connections-${fresh++}`),
        key,
        collectable,
        connections: upstreams,
      }),
    ),
    [bare.name]: await connections(load, () => startBare(stub.port, { collectable, connections: upstreams })),
  }
  stub.process.kill()
  const cpu = cpus()
  return {
    at: new Date().toISOString(),
    node: process.version,
    cpu: `${cpu.length} x ${cpu[0]?.model.trim() ?? ''}`,
    loadAverage,
    rounds: times.rounds,
    roundMilliseconds: times.roundMilliseconds,
    apart,
    cells,
    paced,
    latency: { rate, programs: latencies },
    bodies: passed,
    connections: held,
    memory,
    ...lastSoak(),
    leftOut,
  }
}

function lastSoak(): Pick<Results, 'soak'> {
  const file = join(import.meta.dirname, 'results/soak.json')
  return existsSync(file) ? { soak: JSON.parse(readFileSync(file, 'utf8')) as Soaked } : {} // soak.ts wrote it
}

endAfter(mostMinutes * 60_000)
const folder = mkdtempSync(join(tmpdir(), 'bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const results = await run(folder)
const text = report(results)
console.log(text)
const out = values.out ?? (quick ? undefined : join(import.meta.dirname, 'results'))
if (out !== undefined) {
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'gateway.json'), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(join(out, 'gateway.md'), `${text}\n`)
}
process.exit(0)
