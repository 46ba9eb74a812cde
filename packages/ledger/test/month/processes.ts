// Processes that are killed at moments that a seed gives, and begun anew until their work is done.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** kill -9 after a process has said a word so often, and some milliseconds more. */
export interface Death {
  readonly word: string
  readonly times: number
  readonly milliseconds: number
}

interface Life {
  readonly process: ChildProcessByStdio<Writable, Readable, null>
  /** By itself with a code, or by a signal. */
  readonly exit: Promise<number | string>
  /** Resolves with false when it ends before, or is done and has not said it for a while. */
  said(word: string, times: number): Promise<boolean>
}

const whileMilliseconds = 400

function begin(script: string, args: readonly string[]): Life {
  const path = new URL(script, import.meta.url).pathname
  const process_ = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const heard = new Map<string, number>()
  let wake = Promise.withResolvers<void>()
  createInterface({ input: process_.stdout }).on('line', line => {
    heard.set(line, (heard.get(line) ?? 0) + 1)
    wake.resolve()
    wake = Promise.withResolvers()
  })
  let over = false
  const exit = once(process_, 'exit').then(([code, signal]: (number | string | null)[]) => {
    over = true
    wake.resolve()
    return code ?? signal ?? ''
  })
  return {
    process: process_,
    exit,
    async said(word, times) {
      for (;;) {
        if ((heard.get(word) ?? 0) >= times) return true
        if (over) return false
        const news = wake.promise
        if (!heard.has('finished')) await news
        else if ((await Promise.race([news, sleep(whileMilliseconds, 'late')])) === 'late') return false
      }
    },
  }
}

/** Until it has finished, and `until` has; answers how often it was killed. */
export async function attend(
  script: string,
  args: readonly string[],
  deaths: readonly Death[],
  until: () => Promise<void> = async () => {},
): Promise<number> {
  for (const { word, times, milliseconds } of deaths) {
    const life = begin(script, args)
    await life.said(word, times)
    await sleep(milliseconds)
    life.process.kill('SIGKILL')
    const end = await life.exit
    if (end !== 'SIGKILL') throw new Error(`${script} ended by itself, with ${end}`)
  }
  const life = begin(script, args)
  const ended = life.exit.then(end => {
    if (end !== 0) throw new Error(`${script} ended with ${end}`)
  })
  await Promise.race([ended, life.said('finished', 1)])
  await Promise.race([ended, until()])
  life.process.stdin.end()
  await ended
  return deaths.length
}

export interface Sealers extends AsyncDisposable {
  /** Ends them once everything is sealed; answers how often one was killed meanwhile. */
  ended(): Promise<number>
}

const sealerDeaths = 3

/** One of two sealers is killed now and then, and another takes its place. */
export function keepSealing(url: string, next: () => number, sealed: () => Promise<boolean>): Sealers {
  let born = 0
  const start = () => {
    const path = new URL('../seal.child.ts', import.meta.url).pathname
    return spawn(process.execPath, [path, url, `sealer-${born++}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  const running = [start(), start()]
  const ending = new AbortController()
  let kills = 0
  const killing = (async () => {
    while (kills < sealerDeaths && !ending.signal.aborted) {
      await sleep(4000 + (next() % 4000), undefined, { signal: ending.signal }).catch(() => undefined)
      if (ending.signal.aborted) return
      running[kills % 2]?.kill('SIGKILL')
      running[kills % 2] = start()
      kills++
    }
  })()
  const end = async () => {
    ending.abort()
    await killing
    for (const one of running) one.kill('SIGKILL')
  }
  return {
    async ended() {
      while (!(await sealed())) await sleep(100)
      await end()
      return kills
    },
    [Symbol.asyncDispose]: end,
  }
}
