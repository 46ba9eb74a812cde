// What is measured within a page: frames while something is scrolled, and how long keys and clicks wait.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'

export interface Scrolled {
  readonly frames: number
  /** Share of the frames that came within the time of one, and a tenth for the clock. */
  readonly inTime: number
  /** Milliseconds. */
  readonly worst: number
  /** Milliseconds of processor time that the page's main thread took for a frame. */
  readonly busy: number
}

export interface Answered {
  /** Milliseconds of the longest task of the main thread. */
  readonly longest: number
  /** Milliseconds from a key or a click to what the page does first about it: the longest, and the middle one. */
  readonly slowestInput: number
  readonly middleInput: number
  /** Milliseconds of processor time that the main thread took in a second. */
  readonly busy: number
}

const frame = 1000 / 60

/** Milliseconds of processor time of the page's main thread so far. */
async function clockOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000
  }
}

/** Scrolls what `selector` finds by 40 pixels a frame. */
export async function scroll(page: Page, selector: string, seconds: number): Promise<Scrolled> {
  const clock = await clockOf(page)
  const before = await clock()
  const times = await page.evaluate<number[]>(`new Promise(done => {
    const list = document.querySelector(${JSON.stringify(selector)})
    const times = []
    const until = performance.now() + ${seconds * 1000}
    requestAnimationFrame(function turn(now) {
      times.push(now)
      list.scrollTop += 40
      if (now < until) requestAnimationFrame(turn)
      else done(times)
    })
  })`)
  const busy = (await clock()) - before
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time))
  return {
    frames: gaps.length,
    inTime: gaps.filter(gap => gap <= frame * 1.1).length / gaps.length,
    worst: Math.max(...gaps),
    busy: busy / gaps.length,
  }
}

/** Presses a key and clicks, by turns, and listens how late the page hears of it. */
export async function answers(page: Page, seconds: number): Promise<Answered> {
  const clock = await clockOf(page)
  await page.evaluate(`{
    globalThis.heard = []
    globalThis.tasks = []
    const hear = ({ timeStamp }) => heard.push(performance.now() - timeStamp)
    addEventListener('keydown', hear, true)
    addEventListener('pointerdown', hear, true)
    new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) tasks.push(duration)
    }).observe({ type: 'longtask' })
  }`)
  const before = await clock()
  const until = performance.now() + seconds * 1000
  for (let turn = 0; performance.now() < until; turn++) {
    if (turn % 2 === 0) await page.keyboard.press('Shift')
    else await page.mouse.click(640, 90)
    await sleep(60)
  }
  const busy = ((await clock()) - before) / seconds
  const { heard, tasks } = await page.evaluate<{ heard: number[]; tasks: number[] }>(`({ heard, tasks })`)
  const sorted = heard.toSorted((one, other) => one - other)
  return {
    longest: Math.max(0, ...tasks),
    slowestInput: sorted.at(-1) ?? Number.NaN,
    middleInput: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    busy,
  }
}
