// What the engine of an endpoint wrote, to stdout as it is.
import type { Client } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { safe } from '../output/width.ts'

export interface LogsOptions {
  readonly follow?: boolean
  readonly tail?: number
  readonly replica?: string
  readonly previous?: boolean
}

/** Whether lines of several replicas may come, so that each line must say whose it is. */
async function several(client: Client, workspace: string, endpoint: string): Promise<boolean> {
  try {
    const query = { workspace, fieldSelector: `spec.endpoint=${endpoint}`, limit: 2 }
    return (await client.list('Replica', query)).items.length > 1
  } catch (error) {
    if (error instanceof Fault && error.code === 'denied') return true // one may read logs and not replicas
    throw error
  }
}

export async function logs(cli: Cli, named: string, options: LogsOptions): Promise<void> {
  const { workspace } = await cli.target()
  const { output } = cli.flags
  const endpoint = named.replace(/^[a-z]+\//i, '')
  const client = await cli.client()
  const prefixed = options.replica === undefined && (await several(client, workspace, endpoint))
  // A terminal is shielded from control characters; a file gets what the engine wrote.
  const clean = cli.terminal.stdout.isTTY ? safe : (text: string) => text
  let seen = false
  for await (const { text, at, replica } of client.logs({
    workspace,
    endpoint,
    ...options,
    signal: cli.signal,
  })) {
    seen = true
    if (output === 'json') cli.out(`${JSON.stringify({ at, replica, text })}\n`)
    else if (output === 'wide') cli.out(`${[at, replica, clean(text)].filter(Boolean).join('  ')}\n`)
    else cli.out(`${prefixed && replica ? `[${replica}] ` : ''}${clean(text)}\n`)
  }
  if (!seen) cli.note(`${endpoint} has written nothing yet.`)
}
