// Open sessions: one's own, or another's for who may change accounts.
import type { Client } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { span } from '../output/cell.ts'
import { json, yaml } from '../output/formats.ts'
import { table } from '../output/table.ts'

export interface ListOptions {
  readonly user?: string
}

export interface RevokeOptions extends ListOptions {
  readonly all?: boolean
}

export async function list(cli: Cli, { user }: ListOptions): Promise<void> {
  const items = await (await cli.client()).sessions(user)
  const { output, headers } = cli.flags
  if (output === 'json') return cli.out(json({ items }))
  if (output === 'yaml') return cli.out(await yaml(items))
  if (items.length === 0) return cli.note('There is no open session.')
  const now = cli.terminal.now().getTime()
  const age = (at: string) => span(now - new Date(at).getTime())
  const titles = ['ID', 'BY', 'SEEN', 'AGE', 'ADDRESS', 'CLIENT', 'THIS']
  const rows = items.map(({ id, method, seenAt, createdAt, address, client, current }) => [
    id,
    method,
    age(seenAt),
    age(createdAt),
    address ?? '-',
    client ?? '-',
    current ? '*' : '',
  ])
  const columns = titles.map(title => ({ title }))
  cli.out(table(columns, rows, { headers, paintHeader: cli.colors.bold }).text)
}

export async function revoke(cli: Cli, ids: readonly string[], { user, all }: RevokeOptions): Promise<void> {
  if ((ids.length === 0) === (all !== true))
    throw new Fault('invalid', 'Name the sessions that end, or say --all.')
  const client = await cli.client()
  if (all) {
    await cli.confirm(
      user === undefined ? 'End every other session of yours?' : `End every session of ${user}?`,
    )
    await endAll(client, user)
    cli.out(user === undefined ? 'your other sessions ended\n' : `sessions of ${user} ended\n`)
  }
  for (const id of ids) {
    await client.endSession(id, user)
    cli.out(`session/${id} ended\n`)
  }
}

/** One's own go but for the one that asks, which `logout` ends. */
async function endAll(client: Client, user: string | undefined): Promise<void> {
  if (user !== undefined) return client.endSessionsOf(user)
  for (const { id, current } of await client.sessions()) if (!current) await client.endSession(id)
}
