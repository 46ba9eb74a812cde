// What a verb is given: the terminal, the flags, the chosen server and a client of it.
import type { Client } from '@switchyard/client'
import { Fault } from '@switchyard/kinds/fault'
import type { Flags } from './flags.ts'
import { type Colors, createColors } from './output/colors.ts'
import { chooseTarget, type Target } from './target/choose.ts'
import { configFile } from './target/config.ts'
import type { Terminal } from './terminal.ts'

export interface Cli extends AsyncDisposable {
  readonly terminal: Terminal
  readonly flags: Flags
  /** Colours for stdout; they do nothing when stdout is no terminal. */
  readonly colors: Colors
  /** Ends at Ctrl-C, and at --timeout when it was given. */
  readonly signal: AbortSignal
  /** A person is there to answer questions. */
  readonly interactive: boolean
  /** Data, to stdout. */
  out(text: string): void
  /** Everything else, a line to stderr. */
  note(line: string): void
  target(): Promise<Target>
  client(): Promise<Client>
  /** Returns once a person agreed or --yes was given; `cancelled` when they did not. */
  confirm(question: string): Promise<void>
}

export function wantsColor(
  color: Flags['color'],
  stream: { readonly isTTY?: boolean },
  env: Terminal['env'],
): boolean {
  if (color !== 'auto') return color === 'always'
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}

export function createCli(terminal: Terminal, flags: Flags): Cli {
  const { stdin, stdout, stderr, env } = terminal
  const signal =
    flags.timeout === undefined
      ? terminal.signal
      : AbortSignal.any([terminal.signal, AbortSignal.timeout(flags.timeout * 1000)])
  const interactive = stdin.isTTY === true && stderr.isTTY === true
  let target: Promise<Target> | undefined
  let client: Promise<Client> | undefined
  const note = (line: string) => void stderr.write(`${line}\n`)

  async function connect(): Promise<Client> {
    const chosen = await cli.target()
    if (flags.verbose) note(`Using ${chosen.url}, workspace ${chosen.workspace} (${chosen.chosenBy}).`)
    // Loaded only by what speaks to a server, so that the rest starts at once.
    const { createClient } = await import('@switchyard/client')
    const { tokenOf } = await import('./target/credentials.ts')
    return createClient({
      url: chosen.url,
      token: tokenOf(chosen, configFile(terminal), terminal.now, signal),
      signal,
      userAgent: 'switchyard-cli',
      ...(flags.timeout !== undefined && { timeoutMs: flags.timeout * 1000 }),
    })
  }

  const cli: Cli = {
    terminal,
    flags,
    signal,
    interactive,
    colors: createColors(wantsColor(flags.color, stdout, env)),
    out: text => void stdout.write(text),
    note,
    target() {
      target ??= chooseTarget(terminal, flags)
      return target
    },
    client() {
      client ??= connect()
      return client
    },
    async confirm(question) {
      if (flags.yes) return
      if (!interactive)
        throw new Fault('invalid', `${question} Nobody is at a terminal to answer: add --yes to go ahead.`, {
          reason: 'needs_yes',
        })
      const { createInterface } = await import('node:readline/promises')
      const reader = createInterface({ input: stdin, output: stderr })
      try {
        const answer = await reader.question(`${question} [y/N] `, { signal })
        if (!/^y(es)?$/i.test(answer.trim())) throw new Fault('cancelled', 'Nothing was changed.')
      } finally {
        reader.close()
      }
    },
    async [Symbol.asyncDispose]() {
      const opened = await client?.catch(() => undefined) // its failure was told where it was awaited
      await opened?.[Symbol.asyncDispose]()
    },
  }
  return cli
}
