// What a program adds to an answer's time at half of the load that the gateway can carry, at the same fixed rate
// for each: at saturation every program's latency is only the length of its queue.
import type { Load } from './children.ts'
import { stolenMilliseconds } from './gauge.ts'
import type { Program } from './programs.ts'
import { portOf, request, same } from './requests.ts'
import type { Latency } from './results.ts'
import { leadMilliseconds } from './rounds.ts'

const connections = 64
const question = same(200, false)

export async function latency(
  load: Load,
  program: Program,
  rate: number,
  milliseconds: number,
): Promise<Latency> {
  const order = { port: portOf(program, question), request: request(program, question), connections, rate }
  await load.take({ ...order, milliseconds: leadMilliseconds })
  const before = stolenMilliseconds()
  const { p50, p99, errors, seconds } = await load.take({ ...order, milliseconds })
  return { p50, p99, errors, stolen: (stolenMilliseconds() - before) / seconds }
}
