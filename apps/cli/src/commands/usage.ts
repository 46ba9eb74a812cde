// `switchyard usage`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { UsageOptions } from '../verbs/usage.ts'
import { commaList } from './options.ts'

export function register(program: Command, start: Start): void {
  program
    .command('usage')
    .summary('sum requests and tokens by key, model, project or time')
    .description(
      'Sums the requests and tokens of a workspace. With -o wide every class of token has a column.',
    )
    .option(
      '--by <groups>',
      'key, model, project, workspace, hour, day; comma between (default: model)',
      commaList,
    )
    .option('--from <time>', 'from this moment: 2026-01-31, a full time, or a length before now such as 24h')
    .option('--to <time>', 'before this moment, written alike')
    .option('--key <name>', 'only of this key')
    .option('--model <name>', 'only of this model')
    .option('--project <name>', 'only of this project')
    .addHelpText(
      'after',
      `
Examples:
  switchyard usage
  switchyard usage --by key,model --from 7d
  switchyard usage --by day --from 2026-01-01 --to 2026-02-01 -o json
  switchyard usage -A --by workspace`,
    )
    .action((options: UsageOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/usage.ts')).usage(cli, options)),
    )
}
