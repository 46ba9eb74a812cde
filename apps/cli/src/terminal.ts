// Everything that the command line touches of the machine, as one argument.
import type { Readable, Writable } from 'node:stream'

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder that the command was called in. */
  readonly cwd: string
  readonly home: string
  readonly now: () => Date
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}
