// Invoices: listing, reading, issuing, giving back, and reckoning one again from the usage that it is of.
import { createReadStream, createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { Fault } from '@switchyard/kinds'
import { archivedInvoice, verifyInvoice } from '@switchyard/ledger'
import { openArchive } from '../archive.ts'
import type { Cli } from '../cli.ts'
import { json, yaml } from '../output/formats.ts'
import { table } from '../output/table.ts'

const columns = ['NUMBER', 'KIND', 'STATE', 'FROM', 'TO', 'PAYABLE', 'DUE', 'ID'].map(title => ({ title }))

export async function list(cli: Cli): Promise<void> {
  const { workspace } = await cli.target()
  const rows = await (await cli.client()).invoices(workspace)
  const { output, headers } = cli.flags
  if (output === 'json') return cli.out(json(rows))
  if (output === 'yaml') return cli.out(await yaml(rows))
  if (rows.length === 0)
    return cli.note('No invoices yet: a month appears once spec.billing.invoice of the workspace is set.')
  const cells = rows.map(({ number, kind, state, from, to, payable, currency, dueAt, id, stopped }) => [
    number ?? '-',
    kind,
    stopped === null ? state : `${state} (stopped)`,
    from.slice(0, 10),
    to.slice(0, 10),
    payable === null ? '-' : `${payable} ${currency}`,
    dueAt?.slice(0, 10) ?? '-',
    id,
  ])
  cli.out(table(columns, cells, { headers, paintHeader: cli.colors.bold }).text)
  for (const { id, stopped } of rows) if (stopped !== null) cli.note(`${id} cannot be issued: ${stopped}`)
}

const lineColumns = [
  { title: 'LINE' },
  { title: 'WHAT' },
  { title: 'PROJECT' },
  ...['QUANTITY', 'PRICE', 'EXACT', 'NET', 'TAX'].map(title => ({ title, align: 'right' as const })),
]

export async function show(cli: Cli, name: string): Promise<void> {
  const { workspace } = await cli.target()
  const document = await (await cli.client()).invoice(workspace, name)
  const { output, headers } = cli.flags
  if (output === 'json') return cli.out(json(document))
  if (output === 'yaml') return cli.out(await yaml([document]))
  const { terms, taxes, credits } = document
  const cells = document.lines.map(line => [
    String(line.number),
    [
      line.model,
      line.unit,
      line.model === null ? line.kind : '',
      line.name,
      line.correction ? '(correction)' : '',
    ]
      .filter(Boolean)
      .join(' '),
    line.project ?? '-',
    line.unit === null ? '' : line.quantity,
    line.price ?? '',
    line.exact,
    line.net,
    line.tax,
  ])
  cli.out(table(lineColumns, cells, { headers, paintHeader: cli.colors.bold }).text)
  const sums: readonly (readonly [string, string])[] = [
    ['net', document.net],
    ...taxes.map(({ name: tax, percent, amount }) => [`${tax} ${percent} %`, amount] as const),
    ['gross', document.gross],
    ...credits.map(({ name: credit, amount }) => [credit, `-${amount}`] as const),
    ['to pay', document.payable],
  ]
  cli.out(`\n${sums.map(([what, amount]) => `${what.padEnd(16)} ${amount} ${terms.currency}\n`).join('')}`)
}

export async function act(cli: Cli, name: string, verb: 'issue' | 'pay' | 'write-off'): Promise<void> {
  const { workspace } = await cli.target()
  const { number, state, payable, currency } = await (await cli.client()).invoiceAction(workspace, name, verb)
  cli.out(`Invoice ${number} is ${state}: ${payable} ${currency}.\n`)
}

export interface CreditOptions {
  readonly note: string
  /** `LINE` or `LINE=NET`. */
  readonly line?: readonly string[]
}

export async function credit(cli: Cli, name: string, { note, line }: CreditOptions): Promise<void> {
  const { workspace } = await cli.target()
  const lines = line?.map(text => {
    const [, number = '', net] = /^(\d{1,9})(?:=(.+))?$/.exec(text) ?? []
    if (number === '') throw new Fault('invalid', `--line ${text}: write LINE, or LINE=AMOUNT.`)
    return { line: Number(number), ...(net !== undefined && { net }) }
  })
  const ask = { note, ...(lines !== undefined && { lines }) }
  const document = await (await cli.client()).creditInvoice(workspace, name, ask)
  cli.out(
    `Credit note ${document.number} gives back ${document.payable.replace('-', '')} ${document.terms.currency} of ${name}.\n`,
  )
}

export interface ExportOptions {
  readonly format: 'json' | 'html' | 'csv' | 'focus' | 'archive'
  readonly lang: string
  readonly out?: string
}

export async function exportInvoice(
  cli: Cli,
  name: string,
  { format, lang, out }: ExportOptions,
): Promise<void> {
  const { workspace } = await cli.target()
  const client = await cli.client()
  if (format !== 'archive') {
    const bytes = await client.invoiceFile(workspace, name, format, lang)
    if (out === undefined) cli.out(Buffer.from(bytes).toString('utf8'))
    else await writeFile(out, bytes)
    return
  }
  if (out === undefined)
    throw new Fault('invalid', 'An archive may be large: name a file with --out FILE, or FILE.gz.')
  const lines = withEnds(client.invoiceArchive(workspace, name))
  const file = createWriteStream(out)
  if (out.endsWith('.gz')) await pipeline(lines, createGzip(), file)
  else await pipeline(lines, file)
}

async function* withEnds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

export interface VerifyOptions {
  /** File of `export --format archive`, in place of the server. */
  readonly archive?: string
  /** Folder or URL of the archive of usage, likewise. */
  readonly from?: string
}

/** 1 when it differs. */
export async function verify(
  cli: Cli,
  name: string | undefined,
  { archive, from }: VerifyOptions,
): Promise<number> {
  if ((name === undefined) === (archive === undefined) || (archive !== undefined && from !== undefined))
    throw new Fault('invalid', 'Name an invoice, or a file with --archive FILE.')
  const verified = await verifyInvoice(
    archive !== undefined
      ? fromFile(archive)
      : from === undefined
        ? await fromServer(cli, name ?? '')
        : archivedInvoice(await openArchive(cli, from), name ?? ''),
  )
  const { number, events, difference } = verified
  if (cli.flags.output === 'json') cli.out(json({ ...verified, identical: difference === undefined }))
  else cli.out(difference === undefined ? 'identical\n' : `${difference}\n`)
  if (difference === undefined) cli.note(`${number}, reckoned again from ${events} usage events.`)
  return difference === undefined ? 0 : 1
}

async function fromServer(cli: Cli, name: string): Promise<AsyncIterable<string>> {
  const { workspace } = await cli.target()
  return (await cli.client()).invoiceArchive(workspace, name)
}

async function* fromFile(path: string): AsyncGenerator<string> {
  const file = createReadStream(path)
  const plain: Readable = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  // An error of the file would not reach who reads what comes out of it.
  file.once('error', error => plain.destroy(error))
  yield* createInterface({ input: plain, crlfDelay: Infinity })
}
