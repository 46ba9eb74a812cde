// What happened, newest last; with --watch goes on.
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventQuery, EventRow } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { readTargets } from '../kinds.ts'
import { relative } from '../output/cell.ts'
import { json, yaml } from '../output/formats.ts'
import { type TableColumn, table } from '../output/table.ts'

export interface EventsOptions {
  readonly for?: string
  readonly watch?: boolean
  readonly limit: number
}

/** Events have no watch of their own: they are read again this often, ms. */
const everyMs = 2000

const objectOf = ({ object }: EventRow, withWorkspace: boolean) => {
  const name = `${object.kind.toLowerCase()}/${object.name}`
  return withWorkspace && object.workspace ? `${object.workspace}: ${name}` : name
}

async function queryOf(cli: Cli, { for: about, limit }: EventsOptions): Promise<EventQuery> {
  const { workspace } = await cli.target()
  if (about === undefined) return { workspace: cli.flags.allWorkspaces ? null : workspace, limit }
  const [ref, another] = readTargets([about], workspace).refs
  if (!ref || another) throw new Fault('invalid', `--for ${about}: write KIND/NAME, such as endpoint/chat.`)
  return { workspace: ref.workspace ?? null, kind: ref.kind.kind, name: ref.name, limit }
}

export async function events(cli: Cli, options: EventsOptions): Promise<void> {
  const { output, headers, allWorkspaces } = cli.flags
  const query = await queryOf(cli, options)
  const client = await cli.client()
  let widths: readonly number[] | undefined
  const columns: readonly TableColumn[] = [
    { title: 'LAST' },
    { title: 'TYPE', paint: (padded, type) => (type === 'Warning' ? cli.colors.yellow(padded) : padded) },
    { title: 'REASON' },
    { title: 'OBJECT' },
    { title: 'COUNT', align: 'right' },
    { title: 'MESSAGE' },
  ]
  function show(rows: readonly EventRow[]): void {
    if (output === 'json') {
      for (const row of rows) cli.out(`${JSON.stringify(row)}\n`)
      return
    }
    const now = cli.terminal.now()
    const cells = rows.map(row => [
      relative(row.lastAt, now),
      row.type,
      row.reason,
      objectOf(row, allWorkspaces),
      String(row.count),
      row.message,
    ])
    const look = { headers: headers && widths === undefined, paintHeader: cli.colors.bold }
    const drawn = table(columns, cells, look, widths)
    widths = drawn.widths
    cli.out(drawn.text)
  }

  const first = await client.events(query, cli.signal)
  if (!options.watch) {
    if (output === 'json') cli.out(json({ items: first }))
    else if (output === 'yaml') cli.out(await yaml([{ items: first }]))
    else if (first.length === 0) cli.note('Nothing has happened yet.')
    else show(first)
    return
  }
  const seen = new Map<string, number>()
  for (let rows = first; ; rows = await client.events(query, cli.signal)) {
    const news = rows.filter(({ id, count }) => seen.get(id) !== count)
    if (news.length > 0) show(news)
    for (const { id, count } of news) seen.set(id, count)
    try {
      await sleep(everyMs, undefined, { signal: cli.signal })
    } catch (error) {
      throw cli.signal.aborted ? new Fault('cancelled', 'Stopped.', { cause: error }) : error
    }
  }
}
