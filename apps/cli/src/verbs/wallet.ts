// What a workspace has paid in or owes, what has changed it, and the money that is brought.
import { randomUUID } from 'node:crypto'
import type { Balance, Entry, MoneyOrder } from '@switchyard/client'
import type { Cli } from '../cli.ts'
import { parseMoment } from '../duration.ts'
import { json, yaml } from '../output/formats.ts'
import { type TableColumn, table } from '../output/table.ts'

export interface WalletOptions {
  readonly project?: string
  readonly key?: string
  readonly reason?: string
  readonly priority?: number
  readonly expires?: string
}

export interface MoneyOptions extends WalletOptions {
  readonly type: MoneyOrder['type']
}

export interface EntriesOptions {
  readonly project?: string
  readonly limit: number
}

interface Shown<T> {
  readonly title: string
  readonly read: (row: T) => string
  readonly align?: 'right'
  readonly wide?: boolean
}

const balanceColumns: readonly Shown<Balance>[] = [
  { title: 'ACCOUNT', read: ({ project }) => (project === null ? 'workspace' : `project ${project}`) },
  { title: 'KIND', read: ({ kind }) => kind },
  { title: 'CURRENCY', read: ({ currency }) => currency },
  { title: 'BALANCE', read: ({ balance }) => balance, align: 'right' },
  { title: 'LIMIT', read: ({ limit }) => limit, align: 'right', wide: true },
  { title: 'HELD', read: ({ pending }) => pending, align: 'right' },
  { title: 'LEASED', read: ({ sliced }) => sliced, align: 'right' },
  { title: 'AVAILABLE', read: ({ available }) => available, align: 'right' },
  { title: 'OVERRUN', read: ({ overrun }) => overrun, align: 'right', wide: true },
]

const entryColumns: readonly Shown<Entry>[] = [
  { title: 'AT', read: ({ at }) => at },
  { title: 'CAUSE', read: ({ cause }) => cause },
  { title: 'ACCOUNT', read: ({ project }) => (project === null ? 'workspace' : `project ${project}`) },
  { title: 'AMOUNT', read: ({ amount }) => amount, align: 'right' },
  { title: 'CURRENCY', read: ({ currency }) => currency },
  { title: 'REFERENCE', read: ({ reference }) => reference },
  { title: 'ACTOR', read: ({ actor }) => actor ?? '-', wide: true },
  { title: 'REASON', read: ({ reason }) => reason ?? '-', wide: true },
]

async function print<T>(
  cli: Cli,
  shown: readonly Shown<T>[],
  rows: readonly T[],
  none: string,
): Promise<void> {
  const { output, headers } = cli.flags
  if (output === 'json') cli.out(json({ items: rows }))
  else if (output === 'yaml') cli.out(await yaml([{ items: rows }]))
  else if (rows.length === 0) cli.note(none)
  else {
    const used = shown.filter(({ wide }) => !wide || output === 'wide')
    const columns = used.map(({ title, align }): TableColumn => ({ title, ...(align && { align }) }))
    const cells = rows.map(row => used.map(({ read }) => read(row)))
    cli.out(table(columns, cells, { headers, paintHeader: cli.colors.bold }).text)
  }
}

export async function show(cli: Cli): Promise<void> {
  const { workspace } = await cli.target()
  const client = await cli.client()
  const none = `Workspace ${workspace} has no account: nothing was brought or used while it was billed.`
  await print(cli, balanceColumns, await client.balances(workspace), none)
}

export async function entries(cli: Cli, { project, limit }: EntriesOptions): Promise<void> {
  const { workspace } = await cli.target()
  const client = await cli.client()
  await print(
    cli,
    entryColumns,
    await client.entries(workspace, { project, limit }),
    'Nothing was posted yet.',
  )
}

export async function bring(cli: Cli, amount: string, options: MoneyOptions): Promise<void> {
  const { type, project, key = randomUUID(), reason, priority, expires } = options
  const { workspace } = await cli.target()
  const expiresAt =
    expires === undefined ? undefined : parseMoment(expires, '--expires', cli.terminal.now(), 1)
  const client = await cli.client()
  const { again } = await client.bring(workspace, { type, amount, project, reason, priority, expiresAt }, key)
  cli.note(
    again ? `This was recorded before under ${key}: nothing has changed.` : `Recorded: ${type} of ${amount}.`,
  )
}
