// `switchyard config …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { ConfigCheckOptions } from '../verbs/config-check.ts'

export function register(program: Command, start: Start): void {
  const config = program
    .command('config')
    .summary('check a configuration file, and see how the server’s stands')
    .description(
      'A configuration file holds documents that a server keeps in force: `switchyard up --config FILE` follows it as it changes.',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchyard config check switchyard.yaml             before it is put in place
  switchyard config check switchyard.yaml --server    also against what the server has
  switchyard config status                            what is in force, and why a newer one is not`,
    )
  config
    .command('check')
    .summary('tell everything that is wrong with a configuration file')
    .description(
      `Checks documents by their schemas, what they refer to, that every \${ENV:NAME} and \${FILE:path} has a value, names that no request reaches, weights and loops. Nothing is changed. Exits with 2 when the file would be refused.`,
    )
    .argument('<file>', 'YAML or JSON file, folder, or - for standard input')
    .option('--server', 'check against the server of the context too, and tell what would change there')
    .option('--without-values', 'the values of placeholders are known elsewhere: do not ask for them here')
    .option('--strict', 'refuse warnings too')
    .action((file: string, options: ConfigCheckOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/config-check.ts')).configCheck(cli, file, options)),
    )
  config
    .command('status')
    .summary('tell how the configuration file of the server stands')
    .description(
      'Tells which file the server follows, what of it is in force, and every reason why a newer one is refused. Exits with 1 when one is.',
    )
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/config-status.ts')).configStatus(cli)),
    )
}
