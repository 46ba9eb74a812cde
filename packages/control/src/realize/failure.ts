// Why a replica ended, in the closed list of reasons, and when it may try again.
import { builtinExits } from '@switchyard/catalog'
import { type FailureReason, failureReasons } from '@switchyard/kinds'
import type { ObservedReplica } from '@switchyard/runtime'
import type { EngineDocument, ReplicaDocument } from '../documents.ts'

export type Failure = NonNullable<ReplicaDocument['status']['failure']>
export type Exit = NonNullable<ObservedReplica['exit']>

/** What a person can do about each. */
const remedies: Readonly<Record<FailureReason, string>> = {
  ModelAbsent: 'The model file cannot be opened: put it back, or correct the model.',
  ModelCorrupt: 'The model file cannot be loaded: fetch it again, or choose another.',
  BadArguments: 'The engine refuses its arguments: correct spec.arguments or spec.extraArgs.',
  PortTaken: 'The port was taken by another program; another one is tried.',
  HostMemory: 'There is not enough memory: lower spec.context, or choose a smaller model.',
  CrashLoop: 'The engine keeps ending: read its last lines.',
  StartTimeout: 'The engine was not ready in time: raise spec.startupSeconds, or read its last lines.',
  Stalled: 'The engine stood still and was replaced.',
  Unschedulable: 'There is no room for the replica.',
  EngineAbsent: 'The program of the engine is not installed.',
  NodeLost: 'The machine that it ran on is gone.',
}

const isReason = (text: string | undefined): text is FailureReason =>
  failureReasons.some(reason => reason === text)

/** The reason that the platform, the last lines or the exit code give; undefined when none of them does. */
export function reasonOf(
  exit: Exit,
  engine: EngineDocument['spec'] | undefined,
  binary: string,
): FailureReason | undefined {
  if (isReason(exit.reason)) return exit.reason
  const text = exit.log.join('\n')
  const rows = engine?.failures ?? []
  const matched = rows.find(({ pattern }) => new RegExp(pattern, 'i').test(text))
  if (isReason(matched?.reason) && exit.code !== 0) return matched.reason
  const byCode = binary === 'builtin' && exit.code !== null ? builtinExits[exit.code] : undefined
  return isReason(byCode) ? byCode : undefined
}

export function failure(reason: FailureReason, said: string, at: string, exit?: Exit): Failure {
  return {
    reason,
    message: [remedies[reason], said].filter(part => part !== '').join(' '),
    at,
    ...(exit && {
      ...(exit.code === null ? {} : { exitCode: exit.code }),
      ...(exit.signal === null ? {} : { signal: exit.signal }),
      log: exit.log.map(line => line.slice(0, 1000)),
    }),
  }
}

/** What is worth repeating of the end: the last line that says something, or how it ended. */
export function lastWords({ code, signal, log }: Exit): string {
  const line = log.findLast(text => text.trim() !== '')
  const how =
    signal === null
      ? code === null
        ? 'It ended unseen.'
        : `It ended with ${code}.`
      : `It was ended by ${signal}.`
  return line === undefined ? how : `${how} It said: ${line.trim().slice(0, 300)}`
}

/** A run of 10 min ends a streak of crashes. */
const calmMs = 600_000
export const loopAt = 5

/** How often in a row it has ended without a calm time between. */
export function streakOf(exits: readonly string[]): number {
  const times = exits.map(at => Date.parse(at))
  let first = times.length - 1
  // The pause that we made ourselves before a restart is no calm time.
  while (first > 0 && (times[first] ?? 0) - (times[first - 1] ?? 0) < calmMs + 300_000) first -= 1
  return times.length - Math.max(0, first)
}

/** The first restart is at once, then 10 s, doubled each time up to 300 s. */
export function restartDelayMs(streak: number): number {
  return streak <= 1 ? 0 : Math.min(10_000 * 2 ** (streak - 2), 300_000)
}
