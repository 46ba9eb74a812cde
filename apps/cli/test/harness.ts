// Runs one command line in-process, with everything of the machine given.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { run, type Terminal } from '@switchyard/cli'

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface Circumstances {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  readonly cwd?: string
  readonly home?: string
  /** All three streams are a terminal. */
  readonly tty?: boolean
  readonly signal?: AbortSignal
  readonly now?: () => Date
  /** Sees what is printed as it is printed. */
  readonly onOutput?: (text: string) => void
  /** The same of what goes to stderr. */
  readonly onNote?: (text: string) => void
}

export const folder = () => mkdtempSync(join(tmpdir(), 'switchyard-cli-'))

function sink(isTTY: boolean, seen: (text: string) => void) {
  let text = ''
  const stream = new PassThrough()
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    seen(chunk.toString())
  })
  return { stream: Object.assign(stream, { isTTY }), text: () => text }
}

export async function cli(argv: readonly string[], given: Circumstances = {}): Promise<Ran> {
  const { env = {}, stdin = '', tty = false, now = () => new Date() } = given
  const home = given.home ?? folder()
  const stdout = sink(tty, given.onOutput ?? (() => {}))
  const stderr = sink(tty, given.onNote ?? (() => {}))
  const terminal: Terminal = {
    stdin: Object.assign(Readable.from([Buffer.from(stdin)]), { isTTY: tty }),
    stdout: stdout.stream,
    stderr: stderr.stream,
    env,
    home,
    cwd: given.cwd ?? home,
    now,
    signal: given.signal ?? new AbortController().signal,
  }
  const status = await run(argv, terminal)
  await new Promise(setImmediate)
  return { status, stdout: stdout.text(), stderr: stderr.text() }
}
