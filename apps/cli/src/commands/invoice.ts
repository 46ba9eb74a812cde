// `switchyard invoice …`
import { type Command, Option } from 'commander'
import type { Start } from '../start.ts'
import type { CreditOptions, ExportOptions, VerifyOptions } from '../verbs/invoice.ts'

const verbs = () => import('../verbs/invoice.ts')
const document = ['<invoice>', 'number of the document; the id of a draft'] as const

export function register(program: Command, start: Start): void {
  const invoice = program
    .command('invoice')
    .summary('list, read, issue and verify invoices')
    .description(
      'A month of a workspace is gathered, drafted once it has ended, issued after its grace and paid. What is issued never changes: it is given back by credit notes, and anybody can reckon it again from the usage that it is of.',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchyard invoice list
  switchyard invoice show ACME-2026-000001
  switchyard invoice verify ACME-2026-000001
  switchyard invoice export ACME-2026-000001 --format html --lang zh --out invoice.html`,
    )
  invoice
    .command('list')
    .summary('list the months, invoices and credit notes of a workspace')
    .description('Lists the months, invoices and credit notes of a workspace, the newest month first.')
    .addHelpText('after', '\nExample:\n  switchyard invoice list -W default')
    .action((_: unknown, command: Command) => start(command, async cli => (await verbs()).list(cli)))
  invoice
    .command('show')
    .summary('show a document with its lines')
    .description(
      'Shows a document with its lines: issued ones by number, drafts by id as they were last reckoned.',
    )
    .argument(...document)
    .addHelpText('after', '\nExample:\n  switchyard invoice show ACME-2026-000001 -o json')
    .action((name: string, _: unknown, command: Command) =>
      start(command, async cli => (await verbs()).show(cli, name)),
    )
  for (const [verb, summary, doc] of [
    [
      'issue',
      'issue a draft now',
      'Issues the draft of a month that has ended, whatever is left of its grace.',
    ],
    ['pay', 'say that an invoice is paid', 'Says that an invoice is paid.'],
    ['write-off', 'say that an invoice will not be paid', 'Says that an invoice will not be paid.'],
  ] as const)
    invoice
      .command(verb)
      .summary(summary)
      .description(doc)
      .argument(...document)
      .addHelpText('after', `\nExample:\n  switchyard invoice ${verb} ACME-2026-000001`)
      .action((name: string, _: unknown, command: Command) =>
        start(command, async cli => (await verbs()).act(cli, name, verb)),
      )
  invoice
    .command('credit')
    .summary('give back an invoice, or lines of it')
    .description(
      'Writes a credit note, with a number of its own: of all that is left of an invoice, or of lines.',
    )
    .argument(...document)
    .requiredOption('--note <text>', 'why; it stands on the note')
    .option('--line <line...>', 'a line, or LINE=AMOUNT for so much of it before tax')
    .addHelpText(
      'after',
      '\nExample:\n  switchyard invoice credit ACME-2026-000001 --line 2=10.00 --note "disputed"',
    )
    .action((name: string, options: CreditOptions, command: Command) =>
      start(command, async cli => (await verbs()).credit(cli, name, options)),
    )
  invoice
    .command('export')
    .summary('write a document as a page, CSV, FOCUS or archive')
    .description(
      'Writes a document as JSON, a page to print (html), its lines (csv), cost and usage by FOCUS 1.2 (focus), or all that it was reckoned from (archive).',
    )
    .argument(...document)
    .addOption(
      new Option('--format <format>', 'in which form')
        .choices(['json', 'html', 'csv', 'focus', 'archive'])
        .default('html'),
    )
    .addOption(new Option('--lang <language>', 'language of a page').choices(['en', 'zh']).default('en'))
    .option('--out <file>', 'to this file; archives may end in .gz')
    .addHelpText(
      'after',
      '\nExample:\n  switchyard invoice export ACME-2026-000001 --format archive --out 1.ndjson.gz',
    )
    .action((name: string, options: ExportOptions, command: Command) =>
      start(command, async cli => (await verbs()).exportInvoice(cli, name, options)),
    )
  invoice
    .command('verify')
    .summary('reckon a document again from the usage that it is of')
    .description(
      'Reckons an issued document again, here, from its usage events and price books, and compares every byte. Prints "identical", or the first difference and exits with 1. With --from or --archive no server is asked.',
    )
    .argument('[invoice]', 'number of the document')
    .option('--from <archive>', 'from the archive of usage: a folder, file:///folder or s3://bucket/prefix')
    .option('--archive <file>', 'from this file of `invoice export --format archive`')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard invoice verify ACME-2026-000001 --from /archive/usage\n  switchyard invoice verify --archive 1.ndjson.gz',
    )
    .action((name: string | undefined, options: VerifyOptions, command: Command) =>
      start(command, async cli => (await verbs()).verify(cli, name, options)),
    )
}
