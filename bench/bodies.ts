// How long the gateway's loop is held up while bodies of 10 MB pass, and what small requests beside them feel.
import { ask, type Load } from './children.ts'
import type { Probe, Reading } from './probe.ts'
import { isProxy, type Program } from './programs.ts'
import { convertedImage, portOf, type Question, request, same, sameImage } from './requests.ts'
import { type Bodies, subject } from './results.ts'

const bodyBytes = 10 * 1000 * 1000
const atOnce = 4
const smallPerSecond = 200
const smallConnections = 32

export const kinds = {
  none: 'no bodies',
  same: 'same dialect',
  converted: 'Anthropic to OpenAI',
} as const

/** `small` and `big` are two loads, so that a body's callers do not hold up the small requests' callers. */
export async function bodies(
  small: Load,
  big: Load,
  programs: readonly Program[],
  milliseconds: number,
): Promise<Record<string, Record<string, Bodies>>> {
  const all: Record<string, Record<string, Bodies>> = {}
  for (const program of programs) all[program.name] = await before(small, big, program, milliseconds)
  return all
}

async function before(
  small: Load,
  big: Load,
  program: Program,
  milliseconds: number,
): Promise<Record<string, Bodies>> {
  const reading = async (probe: Probe) =>
    isProxy(program) ? await ask<Reading>(program.name, program.process, probe) : undefined
  const question = same(200, false)
  await reading('watch')

  const beside = async (bodies: Question | undefined): Promise<Bodies> => {
    const passing = bodies && {
      port: portOf(program, bodies),
      request: request(program, bodies),
      connections: atOnce,
      milliseconds: milliseconds + 300,
    }
    await reading('tell')
    const [taken, passed] = await Promise.all([
      small.take({
        port: portOf(program, question),
        request: request(program, question),
        connections: smallConnections,
        milliseconds,
        rate: smallPerSecond,
      }),
      passing && big.take(passing),
    ])
    const loop = await reading('tell')
    return {
      ...(loop && { loop: { loopP50: loop.loopP50, loopP99: loop.loopP99, loopMax: loop.loopMax } }),
      smallP50: taken.p50,
      smallP99: taken.p99,
      bodies: passed?.answers ?? 0,
      errors: taken.errors + (passed?.errors ?? 0),
    }
  }
  return {
    [kinds.none]: await beside(undefined),
    [kinds.same]: await beside(sameImage(bodyBytes)),
    ...(program.name === subject ? { [kinds.converted]: await beside(convertedImage(bodyBytes)) } : {}),
  }
}
