// `switchyard usage`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { UsageOptions } from '../verbs/usage.ts'
import type { QuarantineOptions, RebuildOptions } from '../verbs/usage-quarantine.ts'
import { commaList } from './options.ts'

export function register(program: Command, start: Start): void {
  const usage = program
    .command('usage')
    .summary('sum requests and tokens by key, model, project or time')
    .description(
      'Sums the requests and tokens of a workspace. With -o wide every class of token has a column.',
    )
    .option(
      '--by <groups>',
      'key, model, project, upstream, workspace, hour, day; comma between (default: model)',
      commaList,
    )
    .option('--from <time>', 'from this moment: 2026-01-31, a full time, or a length before now such as 24h')
    .option('--to <time>', 'before this moment, written alike')
    .option('--key <name>', 'only of this key')
    .option('--model <name>', 'only of this model')
    .option('--project <name>', 'only of this project')
    .option('--upstream <name>', 'only of this provider (WORKSPACE/NAME) or endpoint (NAME)')
    .addHelpText(
      'after',
      `
Examples:
  switchyard usage
  switchyard usage --by key,model --from 7d
  switchyard usage --by day --from 2026-01-01 --to 2026-02-01 -o json
  switchyard usage --by upstream,model --from 30d
  switchyard usage -A --by workspace`,
    )
    .action((options: UsageOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/usage.ts')).usage(cli, options)),
    )
  usage
    .command('explain')
    .summary('tell what one request has cost, to the last digit')
    .description(
      'Tells the events of one request: how each attempt ended, the tokens by class with where they were counted, the rate and book version of each, the arithmetic, and where it was posted.',
    )
    .argument('<request>', 'id of the request, as its answer says in x-request-id')
    .addHelpText('after', '\nExample:\n  switchyard usage explain 019d0c1e-7a2b-7c3d-8e4f-5a6b7c8d9e0f')
    .action((request: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/usage-explain.ts')).usageExplain(cli, request)),
    )
  usage
    .command('rebuild')
    .summary('compare the sums of usage with its events')
    .description(
      'Sums the events anew and tells where the kept sums are something else. Exits with 1 when they are, unless they are mended.',
    )
    .option('--since <day>', 'from this day of UTC on: 2026-01-31')
    .option('--until <day>', 'before this day')
    .option('--mend', 'make the sums what the events sum up to')
    .addHelpText('after', '\nExample:\n  switchyard usage rebuild --since 2026-01-01 --mend')
    .action((options: RebuildOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/usage-quarantine.ts')).rebuildUsage(cli, options)),
    )
  registerQuarantine(usage, start)
}

function registerQuarantine(usage: Command, start: Start): void {
  const quarantine = usage
    .command('quarantine')
    .summary('list, retry and discard events that could not be used')
    .description('Usage events that could not be used wait until somebody takes or discards them.')
    .addHelpText('after', '\nExample:\n  switchyard usage quarantine list --reason unpriced')
  quarantine
    .command('list')
    .summary('list what waits')
    .description('Lists the events that wait, newest first. With -o json each event as it was sent.')
    .option('--reason <reason>', 'only for this reason')
    .option('--all', 'what was resolved too')
    .addHelpText('after', '\nExample:\n  switchyard usage quarantine list -A --reason unpriced')
    .action((options: QuarantineOptions, command: Command) =>
      start(command, async cli =>
        (await import('../verbs/usage-quarantine.ts')).listQuarantine(cli, options),
      ),
    )
  quarantine
    .command('retry')
    .summary('take events as if they were just sent')
    .description(
      'Takes events as if they were just sent. What still cannot be used stays; then it exits with 1.',
    )
    .argument('<number...>', 'numbers of the list')
    .addHelpText('after', '\nExample:\n  switchyard usage quarantine retry 12 13')
    .action((numbers: string[], _: unknown, command: Command) =>
      start(command, async cli =>
        (await import('../verbs/usage-quarantine.ts')).resolveQuarantined(cli, 'retry', numbers),
      ),
    )
  quarantine
    .command('discard')
    .summary('put events aside for good')
    .description('Puts events aside for good. They are kept, and the trail tells who did it and why.')
    .argument('<number...>', 'numbers of the list')
    .requiredOption('--reason <text>', 'why, for the trail')
    .addHelpText('after', '\nExample:\n  switchyard usage quarantine discard 12 --reason "sent by a test"')
    .action((numbers: string[], { reason }: { readonly reason: string }, command: Command) =>
      start(command, async cli =>
        (await import('../verbs/usage-quarantine.ts')).resolveQuarantined(cli, 'discard', numbers, reason),
      ),
    )
}
