// Usage events that could not be used, and sums that are not what the events sum up to.
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { parseMoment } from '../duration.ts'
import { json, yaml } from '../output/formats.ts'
import { table } from '../output/table.ts'

export interface QuarantineOptions {
  readonly reason?: string
  readonly all?: boolean
}

const columns = ['NUMBER', 'REASON', 'WORKSPACE', 'SEEN', 'RESOLVED', 'EVENT'].map(title => ({ title }))

/** Its id, where it has one. */
const idOf = (event: unknown): string =>
  typeof event === 'object' && event !== null && 'id' in event && typeof event.id === 'string'
    ? event.id
    : '-'

export async function listQuarantine(cli: Cli, { reason, all }: QuarantineOptions): Promise<void> {
  const { workspace } = await cli.target()
  const asked = { workspace: cli.flags.allWorkspaces ? undefined : workspace, reason, all }
  const rows = await (await cli.client()).quarantine(asked)
  const { output, headers } = cli.flags
  if (output === 'json') return cli.out(json(rows))
  if (output === 'yaml') return cli.out(await yaml(rows))
  if (rows.length === 0) return cli.note('Nothing waits in quarantine.')
  const cells = rows.map(one => [
    one.number,
    one.reason,
    one.workspace ?? '-',
    one.seenAt,
    one.resolution ?? '-',
    idOf(one.event),
  ])
  cli.out(table(columns, cells, { headers, paintHeader: cli.colors.bold }).text)
}

/** Exits with 1 when one of them stays. */
export async function resolveQuarantined(
  cli: Cli,
  how: 'retry' | 'discard',
  numbers: readonly string[],
  reason?: string,
): Promise<number> {
  const rows = await (await cli.client()).resolveQuarantined(how, numbers, reason)
  for (const { number, outcome } of rows) cli.out(`${number}: ${said[outcome] ?? outcome}\n`)
  return rows.every(({ outcome }) => outcome in said) ? 0 : 1
}

const said: Readonly<Record<string, string>> = {
  accepted: 'taken',
  duplicate: 'was taken already',
  discarded: 'discarded',
}

export interface RebuildOptions {
  readonly since?: string
  readonly until?: string
  readonly mend?: boolean
}

/** Exits with 1 when sums differ and are left as they are. */
export async function rebuildUsage(
  cli: Cli,
  { since, until, mend = false }: RebuildOptions,
): Promise<number> {
  const now = cli.terminal.now()
  const midnight = (given: string | undefined, flag: string) => {
    if (given === undefined) return undefined
    const moment = parseMoment(given, flag, now, -1)
    if (Date.parse(moment) % 86_400_000 === 0) return moment
    throw new Fault('invalid', `${flag} ${given}: name a day, such as 2026-01-31.`)
  }
  const span = { from: midnight(since, '--since'), to: midnight(until, '--until') }
  const rows = await (await cli.client()).rebuildUsage({ ...span, mend })
  if (cli.flags.output === 'json') cli.out(json(rows))
  else if (rows.length === 0) cli.out('Every sum is what its events sum up to.\n')
  else
    cli.out(`${rows.length} sums ${mend ? 'were mended' : 'differ from their events'}; -o json shows them.\n`)
  return rows.length === 0 || mend ? 0 : 1
}
