// The log of a child: it writes through its own descriptor, so the file is copied and cut, never moved.
import { copyFile, open, rename, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, LogLine } from '@switchyard/runtime'

export const logOf = (folder: string) => join(folder, 'log')
const previousOf = (folder: string) => join(folder, 'log.previous')
const readAtOnce = 256 * 1024

/** The log of the life before goes aside; a new life begins with an empty one. */
export async function turnLog(folder: string): Promise<void> {
  await rename(logOf(folder), previousOf(folder)).catch(ignoreAbsent)
}

/** Keeps three files: what the child wrote between the copy and the cut, a few lines at most, is lost. */
export async function rotate(folder: string, most: number): Promise<void> {
  const log = logOf(folder)
  if ((await sizeOf(log)) < most) return
  await rename(`${log}.1`, `${log}.2`).catch(ignoreAbsent)
  await copyFile(log, `${log}.1`)
  await truncate(log)
}

/** The last lines, oldest first. */
export async function tailOf(path: string, lines: number): Promise<readonly string[]> {
  const size = await sizeOf(path)
  const text = (await slice(path, Math.max(0, size - readAtOnce), size)).replace(/\n$/, '')
  return text === '' || lines === 0 ? [] : text.split('\n').slice(-lines)
}

export async function* readLog(
  folder: string,
  ask: { readonly tail: number; readonly follow: boolean; readonly previous: boolean },
  clock: Clock,
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  const path = ask.previous ? previousOf(folder) : logOf(folder)
  let at = await sizeOf(path)
  const head = await slice(path, Math.max(0, at - readAtOnce), at)
  const whole = head.split('\n')
  let rest = whole.pop() ?? ''
  for (const text of ask.tail === 0 ? [] : whole.slice(-ask.tail)) yield { text }
  if (!ask.follow) {
    if (rest !== '') yield { text: rest }
    return
  }
  while (!signal.aborted) {
    const size = await sizeOf(path)
    if (size === at) {
      await clock.sleep(250, signal)
      continue
    }
    // Shorter than read: it was cut, and what was not yet read stands in the copy.
    const missed = size < at ? await slice(`${path}.1`, at, await sizeOf(`${path}.1`)) : ''
    const fresh = await slice(path, size < at ? 0 : at, size)
    at = size
    const lines = (rest + missed + fresh).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) yield { text }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    ignoreAbsent(error)
    return 0
  }
}

async function slice(path: string, start: number, end: number): Promise<string> {
  if (end <= start) return ''
  await using file = await open(path)
  const bytes = Buffer.alloc(end - start)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
  return bytes.toString('utf8', 0, bytesRead)
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
