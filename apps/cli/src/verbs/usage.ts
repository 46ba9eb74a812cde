// Sums of requests and tokens, with a line that adds them up.

import type { UsageRow } from '@switchyard/client'
import { decimalOf, Fault, formatDecimal } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { parseMoment } from '../duration.ts'
import { json, yaml } from '../output/formats.ts'
import { type TableColumn, table } from '../output/table.ts'

export interface UsageOptions {
  readonly by?: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly key?: string
  readonly model?: string
  readonly upstream?: string
  readonly project?: string
}

const groups = ['workspace', 'project', 'key', 'model', 'upstream', 'hour', 'day']

interface Measure {
  readonly title: string
  readonly read: (row: UsageRow) => string
}

const measures: readonly Measure[] = [
  { title: 'REQUESTS', read: ({ requests }) => requests },
  { title: 'INPUT', read: ({ tokens }) => tokens.input },
  { title: 'OUTPUT', read: ({ tokens }) => tokens.output },
  { title: 'TOKENS', read: ({ tokens }) => String(BigInt(tokens.input) + BigInt(tokens.output)) },
]

/** Units that were used: of tokens each class, or what is no token alone. */
const unitsOf = (rows: readonly UsageRow[], tokens: boolean): readonly Measure[] =>
  [...new Set(rows.flatMap(({ quantities }) => Object.keys(quantities)))]
    .filter(unit => tokens || !unit.startsWith('tok.'))
    .toSorted()
    .map(unit => ({
      title: unit.toUpperCase(),
      read: ({ quantities }) => quantities[unit] ?? '0',
    }))

/** What is priced, in each currency; what it costs us where one may know. */
function amountsOf(rows: readonly UsageRow[]): readonly Measure[] {
  const all = rows.flatMap(({ amounts }) => amounts)
  return [...new Set(all.map(({ currency }) => currency))].toSorted().flatMap(currency => {
    const of = (name: 'amount' | 'cost' | 'margin') => (row: UsageRow) => {
      const one = row.amounts.find(each => each.currency === currency)
      if (one) return one[name] ?? unknown
      return name === 'amount' || (row.uncosted ?? '0') === '0' ? '0' : unknown
    }
    const knows = all.some(one => one.currency === currency && one.cost != null && one.cost !== '0')
    return [
      { title: currency, read: of('amount') },
      ...(knows
        ? [
            { title: `COST ${currency}`, read: of('cost') },
            { title: `MARGIN ${currency}`, read: of('margin') },
          ]
        : []),
    ]
  })
}

/** What is not known is not 0, and neither is a sum with it. */
const unknown = '?'

/** Of whole numbers and decimals. */
function sum(counts: readonly string[]): string {
  if (counts.includes(unknown)) return unknown
  return formatDecimal(counts.reduce((total, count) => total + decimalOf(count), 0n))
}

/** Groups to the left, whole numbers to the right, a sum below when there is more than one line. */
export function usageTable(
  by: readonly string[],
  rows: readonly UsageRow[],
  wide: boolean,
): { readonly columns: readonly TableColumn[]; readonly cells: readonly (readonly string[])[] } {
  const shown = [...measures, ...unitsOf(rows, wide), ...amountsOf(rows)]
  const columns: TableColumn[] = [
    ...by.map(group => ({ title: group.toUpperCase() })),
    ...shown.map(({ title }): TableColumn => ({ title, align: 'right' })),
  ]
  const cells = rows.map(row => [
    ...by.map(group => row.group[group] ?? '-'),
    ...shown.map(({ read }) => read(row)),
  ])
  if (rows.length < 2) return { columns, cells }
  const total = [
    ...by.map((_, index) => (index === 0 ? 'TOTAL' : '')),
    ...shown.map(({ read }) => sum(rows.map(read))),
  ]
  return { columns, cells: [...cells, total] }
}

export async function usage(cli: Cli, options: UsageOptions): Promise<void> {
  const { by = ['model'], from, to, key, model, project, upstream } = options
  const wrong = by.find(group => !groups.includes(group))
  if (wrong !== undefined) throw new Fault('invalid', `--by ${wrong}: group by ${groups.join(', ')}.`)
  const { workspace } = await cli.target()
  const now = cli.terminal.now()
  const client = await cli.client()
  const answer = await client.usage({
    by,
    key,
    model,
    project,
    upstream,
    workspace: cli.flags.allWorkspaces ? undefined : workspace,
    from: from === undefined ? undefined : parseMoment(from, '--from', now, -1),
    to: to === undefined ? undefined : parseMoment(to, '--to', now, -1),
  })
  const { output, headers } = cli.flags
  if (output === 'json') cli.out(json(answer))
  else if (output === 'yaml') cli.out(await yaml([answer]))
  else {
    const { columns, cells } = usageTable(by, answer.items, output === 'wide')
    if (answer.items.length === 0) cli.note('No usage in that time.')
    else cli.out(table(columns, cells, { headers, paintHeader: cli.colors.bold }).text)
  }
}
