// The built-in engine: a llama.cpp server in a process of its own, with llama-server's arguments and answers.
// Exit codes: 0 stopped, 1 unexpected, 2 bad arguments, 3 model absent or corrupt, 4 port taken, 5 memory.
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { threadsToUse } from './cores.ts'
import { assemble, type Engine, type World } from './engine.ts'
import { BadFlag, type Flags, parseFlags } from './flags.ts'
import { startMeter } from './metrics.ts'
import { type EngineServer, engineServer } from './server.ts'
import { Closed } from './slots.ts'

const exits = { absent: 3, corrupt: 3, memory: 5, runtime: 1 } as const

const world: World = {
  now: () => performance.now(),
  date: () => Math.floor(Date.now() / 1000),
  random: Math.random,
  id: () => randomUUID().replaceAll('-', ''),
}

const say = (line: string) => process.stdout.write(`${line}\n`)

function leave(code: number, why: string): never {
  process.stderr.write(`error: ${why}\n`)
  process.exit(code)
}

function readFlags(argv: readonly string[]): Flags {
  try {
    return parseFlags(argv)
  } catch (fault) {
    if (fault instanceof BadFlag) leave(2, fault.message)
    throw fault
  }
}

function listen({ server }: EngineServer, { host, port }: Flags): Promise<string> {
  return new Promise(resolve => {
    server.once('error', (fault: NodeJS.ErrnoException) =>
      leave(
        fault.code === 'EADDRINUSE' ? 4 : 1,
        `couldn't bind HTTP server socket, hostname: ${host}, port: ${port}: ${fault.message}`,
      ),
    )
    server.listen(port, host, () => {
      const bound = server.address()
      resolve(`http://${host}:${typeof bound === 'object' && bound ? bound.port : port}`)
    })
  })
}

async function load(flags: Flags): Promise<Engine> {
  // Only now: the library takes half a second to import, and the port answers "loading" by then.
  const [{ ModelFault }, { openModel }] = await Promise.all([import('./fault.ts'), import('./model.ts')])
  const meter = startMeter()
  try {
    const model = await openModel({
      path: flags.model,
      contextSize: flags.ctxSize,
      parallel: flags.parallel,
      threads: threadsToUse(flags.threads),
      batchSize: flags.batchSize,
      embeddings: flags.embeddings,
      meter,
      log: line => process.stderr.write(`llama.cpp: ${line}\n`),
    })
    const name = flags.alias ?? basename(flags.model).replace(/\.gguf$/, '')
    return assemble(model, { ...flags, name }, meter, world)
  } catch (fault) {
    if (fault instanceof BadFlag) leave(2, fault.message)
    if (fault instanceof ModelFault) leave(exits[fault.reason], fault.message)
    throw fault
  }
}

const flags = readFlags(process.argv.slice(2))
const http = engineServer(flags)
let engine: Engine | undefined
let stopping = false

async function stop(signal: string): Promise<void> {
  if (stopping) process.exit(0) // asked twice: at once
  stopping = true
  say(`${signal}: finishing ${engine?.slots.processing ?? 0} running requests, at most ${flags.grace} s`)
  const closed = new Promise<void>(resolve => http.server.close(() => resolve()))
  const late = setTimeout(() => http.abort(new Closed('the engine is stopping')), flags.grace * 1000)
  await engine?.drain()
  clearTimeout(late)
  // The last answers have been handed over; give the sockets the moment that they need.
  const sweep = setInterval(() => http.server.closeIdleConnections(), 20)
  await Promise.race([closed, delay(500)])
  clearInterval(sweep)
  say('stopped')
  process.exit(0)
}
process.on('SIGTERM', () => void stop('SIGTERM'))
process.on('SIGINT', () => void stop('SIGINT'))

const url = await listen(http, flags)
say(`listening on ${url}, loading ${flags.model}`)
const began = world.now()
engine = await load(flags)
http.ready(engine)
say(
  `ready in ${Math.round(world.now() - began)} ms: ${engine.name}, ${engine.slots.all.length} slots of ${engine.machine.model.slotContext} tokens`,
)
