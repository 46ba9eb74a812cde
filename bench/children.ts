// The processes of a bench: each has a time to begin and to answer in, and none outlives the bench.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Order, Taken } from './load.ts'

export const beginMilliseconds = 20_000

const running = new Set<ChildProcess>()

/** It is killed when the bench ends, however it does. */
export function keep(child: ChildProcess): ChildProcess {
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** Ends the bench when it has taken so long: a machine that is too busy has no numbers to give. */
export function endAfter(milliseconds: number): void {
  setTimeout(() => {
    console.error(`the bench was not done after ${milliseconds / 60_000} minutes and was ended`)
    process.exit(1)
  }, milliseconds).unref()
}

/** What happens first: the event, the end of the child, or the end of its time. */
export async function heard<T>(
  name: string,
  child: ChildProcess,
  event: Promise<T>,
  milliseconds = beginMilliseconds,
): Promise<T> {
  using ends = new AbortScope()
  const gone = once(child, 'exit', { signal: ends.signal }).then(([code, signal]) => {
    throw new Error(`${name} ended (${code ?? signal}) while it was waited for`)
  })
  const late = wait(milliseconds, undefined, { signal: ends.signal, ref: true }).then(() => {
    throw new Error(`${name} was silent for ${milliseconds / 1000} s`)
  })
  for (const loser of [gone, late]) loser.catch(() => undefined)
  return await Promise.race([event, gone, late])
}

class AbortScope implements Disposable {
  readonly #controller = new AbortController()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    this.#controller.abort()
  }
}

/** A program of the bench that tells its port first. */
export async function forked(
  name: string,
  file: string,
  args: readonly string[] = [],
  execArgv: readonly string[] = [],
): Promise<{ process: ChildProcess; port: number }> {
  const child = keep(
    fork(join(import.meta.dirname, file), args, {
      execArgv: [...execArgv],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  )
  const [{ port }] = (await heard(name, child, once(child, 'message'))) as [{ port: number }] // what it sends first
  return { process: child, port }
}

/** Asks a child over its channel; each question has one answer. */
export async function ask<T>(
  name: string,
  child: ChildProcess,
  question: string | object,
  milliseconds = beginMilliseconds,
): Promise<T> {
  child.send(question)
  const [answer] = (await heard(name, child, once(child, 'message'), milliseconds)) as [T] // the one answer
  return answer
}

export interface Load extends Disposable {
  readonly process: ChildProcess
  take(order: Order): Promise<Taken>
}

export function startLoad(): Load {
  const child = keep(fork(join(import.meta.dirname, 'load.ts'), [], { execArgv: [] }))
  return {
    process: child,
    take: order => ask<Taken>('the load', child, order, order.milliseconds + beginMilliseconds),
    [Symbol.dispose]: () => void child.kill(),
  }
}

/** Returns when something listens there. */
export async function listening(name: string, child: ChildProcess, port: number): Promise<void> {
  const opened = async () => {
    for (;;) {
      const socket = connect(port, '127.0.0.1')
      const open = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'close').then(() => false),
      ]).catch(() => false)
      socket.destroy()
      if (open || child.exitCode !== null || !running.has(child)) return
      await wait(50)
    }
  }
  await heard(name, child, opened())
}
