// The memory of many callers at rest and of many open streams, in a fresh process without garbage.
import { ask, type Load } from './children.ts'
import { gaugeOf, mostFiles } from './gauge.ts'
import type { Probe, Reading } from './probe.ts'
import type { Program } from './programs.ts'
import { portOf, request, same } from './requests.ts'
import type { Connections } from './results.ts'

export const idleWanted = 20_000
export const streamsWanted = 5_000
/** Files that a process has open beside them: those that it begins with, and sockets to the upstream of one batch. */
const otherFiles = 300
const openMilliseconds = 40_000
const settleMilliseconds = 300
const warmMilliseconds = 1500

/** As many as wanted, or as the limit of open files allows: a stream through a proxy takes two. */
const idleCount = () => Math.min(idleWanted, mostFiles() - otherFiles)
const streamCount = () => Math.min(streamsWanted, Math.floor((mostFiles() - otherFiles) / 2))

async function held(
  load: Load,
  program: Program,
  hold: 'idle' | 'streams',
  wanted: number,
): Promise<{ count: number; bytes: number }> {
  const gauge = gaugeOf(program)
  const resident = async () => {
    await ask<Reading>(program.name, program.process, 'collect' satisfies Probe)
    return gauge.residentBytes()
  }
  const question = same(200, hold === 'streams', hold === 'streams' ? 'slow' : 'burst')
  const port = portOf(program, question)
  // Code is compiled and pools are made before anything is counted.
  const warm = [request(program, same(200, false)), request(program, same(200, true))]
  await load.take({ port, request: warm, connections: 64, milliseconds: warmMilliseconds })
  const before = await resident()
  const order = { port, request: request(program, question), hold, milliseconds: openMilliseconds }
  const { answers: count } = await load.take({ ...order, connections: wanted })
  const bytes = ((await resident()) - before) / Math.max(1, count)
  await load.take({ port, request: [], connections: 0, milliseconds: settleMilliseconds })
  return { count, bytes }
}

/** `start` begins a fresh process, so that what one hold leaves in the heap does not hide the other's. */
export async function connections(load: Load, start: () => Promise<Program>): Promise<Connections> {
  const fresh = async (hold: 'idle' | 'streams', wanted: number) => {
    const program = await start()
    try {
      return await held(load, program, hold, wanted)
    } finally {
      program.process.kill()
    }
  }
  const idleAllowed = idleCount()
  const streamsAllowed = streamCount()
  const idle = await fresh('idle', idleAllowed)
  const streams = await fresh('streams', streamsAllowed)
  return {
    idle: idle.count,
    idleAllowed,
    idleBytes: idle.bytes,
    streams: streams.count,
    streamsAllowed,
    streamBytes: streams.bytes,
  }
}
