// `switchyard audit …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { AuditOptions, ExportOptions } from '../verbs/audit.ts'
import type { VerifyOptions } from '../verbs/audit-verify.ts'
import { positive } from './options.ts'

const filtered = (command: Command): Command =>
  command
    .option('--from <time>', 'from this moment: 2026-01-31, a full time, or a length before now such as 24h')
    .option('--to <time>', 'before this moment, written alike')
    .option('--actor <principal>', 'only by this one, such as user:ann')
    .option('--action <action>', 'only this act, such as endpoint.update or endpoint.*')
    .option('--for <kind/name>', 'only on this document')
    .option('--outcome <outcome>', 'success, denied or failed')
    .option('--search <words>', 'only entries that tell all of these words, in whatever case')

export function register(program: Command, start: Start): void {
  const audit = program
    .command('audit')
    .summary('see who did what, take it away, and check that it is whole')
    .description(
      'The trail: every change, refusal, sign-in and use of a secret. It stands in a signed log, which anyone with its public key can check without the server.',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchyard audit list --action 'api_key.*' --from 7d
  switchyard audit key > log.vkey
  switchyard audit verify --from .switchyard/audit --key log.vkey --since last-month.checkpoint
  switchyard audit export --form ocsf > trail.jsonl`,
    )
  filtered(
    audit
      .command('list')
      .summary('show entries, newest first')
      .description('Shows who did what in the workspace, newest first; with -A everywhere.'),
  )
    .option('--limit <n>', 'at most this many', positive, 100)
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard audit list --outcome denied --from 24h -A\n  switchyard audit list --search "chat replicas"',
    )
    .action((options: AuditOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/audit.ts')).list(cli, options)),
    )
  filtered(
    audit
      .command('export')
      .summary('write entries as lines of JSON, oldest first')
      .description(
        'Writes entries as lines of JSON, oldest first: of the workspace, or with -A of all. The export itself is in the trail.',
      ),
  )
    .option('--form <form>', 'json (as the log holds it), ocsf (API Activity) or cloudevents', 'json')
    .option('--proofs', 'each with a proof that the log holds it, for `audit verify --proof`')
    .addHelpText('after', '\nExample:\n  switchyard audit export --proofs --from 2026-01-01 > trail.jsonl')
    .action((options: ExportOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/audit.ts')).exportEntries(cli, options)),
    )
  audit
    .command('verify')
    .summary('check an archive or an export with the public key alone')
    .description(
      'Reads an archive of the log, without a server, and checks every entry, tile and checkpoint. Exits with 0 when it is whole, with 1 when it was tampered with (and names the first place), with 2 when something is missing that is needed to tell.',
    )
    .option('--from <place>', 'folder, file:///folder or s3://bucket/prefix of the archive')
    .option('--proof <file>', 'check an export with proofs in place of an archive; - for standard input')
    .requiredOption('--key <vkey>', 'public key of the log as name+hash+key, or a file that holds it')
    .option('--since <file>', 'a checkpoint that was kept elsewhere: what it covers must still be there')
    .addHelpText(
      'after',
      `
Examples:
  switchyard audit verify --from s3://audit-log/prod --key log.vkey --since kept.checkpoint
  switchyard audit export --proofs | switchyard audit verify --proof - --key log.vkey`,
    )
    .action((options: VerifyOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/audit-verify.ts')).verify(cli, options)),
    )
  audit
    .command('key')
    .summary('print the public key of the log')
    .description(
      'Prints the public keys that the log is signed by, one a line. Keep them where the log is not.',
    )
    .option('--new', 'print a new private key for the same log instead, to be added to its file of keys')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard audit key > log.vkey\n  switchyard audit key --new >> .switchyard/audit.key',
    )
    .action((options: { readonly new?: boolean }, command: Command) =>
      start(command, async cli => (await import('../verbs/audit.ts')).key(cli, options.new)),
    )
  audit
    .command('erase')
    .summary('make unreadable what the trail tells of a person')
    .description(
      'Destroys the keys under which the trail holds what it tells of persons: names, addresses, agents, mail. Entries stay and the log goes on verifying; nobody reads any more whom they name. It is for good, and it is told in the trail. Needs audit:erase.',
    )
    .argument(
      '<principal...>',
      'user:NAME (with its mail address while the user is there), email:ADDRESS, issuer:NAME/SUBJECT',
    )
    .addHelpText('after', '\nExample:\n  switchyard audit erase user:ann email:ann@example.com --yes')
    .action((principals: readonly string[], _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/audit.ts')).erase(cli, principals)),
    )
  audit
    .command('resume')
    .summary('bring the log back after the database was restored from an older copy')
    .description(
      'Reads back from the archive what was signed and is missing in the database, so that the log goes on. Until then nothing is numbered or signed.',
    )
    .addHelpText('after', '\nExample:\n  switchyard audit resume')
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/audit.ts')).resume(cli)),
    )
}
