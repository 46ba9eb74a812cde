// What the engine of an endpoint wrote, to stdout as it is.
import type { Cli } from '../cli.ts'
import { safe } from '../output/width.ts'

export interface LogsOptions {
  readonly follow?: boolean
  readonly tail?: number
  readonly replica?: string
  readonly previous?: boolean
}

export async function logs(cli: Cli, endpoint: string, options: LogsOptions): Promise<void> {
  const { workspace } = await cli.target()
  const client = await cli.client()
  let seen = false
  const rows = client.logs({
    workspace,
    endpoint: endpoint.replace(/^[a-z]+\//i, ''),
    ...options,
    signal: cli.signal,
  })
  for await (const { text, at, replica } of rows) {
    seen = true
    if (cli.flags.output === 'json') cli.out(`${JSON.stringify({ at, replica, text })}\n`)
    else if (cli.flags.output === 'wide') cli.out(`${[at, replica, safe(text)].filter(Boolean).join('  ')}\n`)
    // A terminal is shielded from control characters; a file gets what the engine wrote.
    else cli.out(`${cli.terminal.stdout.isTTY ? safe(text) : text}\n`)
  }
  if (!seen) cli.note(`${endpoint} has written nothing yet.`)
}
