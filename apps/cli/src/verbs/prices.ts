// Price books: publishing one, and what was published.
import type { Cli } from '../cli.ts'
import { json, yaml } from '../output/formats.ts'
import { table } from '../output/table.ts'

export async function publish(cli: Cli, name: string): Promise<void> {
  const client = await cli.client()
  await client.action('PriceBook', { workspace: null, name }, 'publish')
  const newest = (await client.bookVersions(name)).at(-1)
  cli.out(`PriceBook ${name} is published as version ${newest?.version}, ${newest?.sha256}.\n`)
}

const columns = ['VERSION', 'FROM', 'TO', 'PUBLISHED', 'BY', 'SHA256'].map(title => ({ title }))

export async function versions(cli: Cli, name: string): Promise<void> {
  const rows = await (await cli.client()).bookVersions(name)
  const { output, headers } = cli.flags
  if (output === 'json') return cli.out(json(rows))
  if (output === 'yaml') return cli.out(await yaml(rows))
  const cells = rows.map(({ version, holds, publishedAt, publishedBy, sha256 }) => [
    String(version),
    holds?.from ?? 'never',
    holds === undefined ? '-' : (holds.to ?? 'open'),
    publishedAt,
    publishedBy,
    output === 'wide' ? sha256 : sha256.slice(0, 12),
  ])
  cli.out(table(columns, cells, { headers, paintHeader: cli.colors.bold }).text)
}
