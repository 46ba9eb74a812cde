// `switchyard prices …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  const prices = program
    .command('prices')
    .summary('publish price books, and list what was published')
    .description(
      'Price books are written with `apply`, and hold once they are published: at once, or here when they say `publish: on_request`.',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchyard prices publish sale-2026
  switchyard prices versions sale-2026`,
    )
  prices
    .command('publish')
    .summary('publish a price book as it stands')
    .description(
      'Publishes a price book as its next version, which never changes. A book that stands published as it is stays so.',
    )
    .argument('<name>', 'name of the PriceBook')
    .addHelpText('after', '\nExample:\n  switchyard prices publish sale-2026')
    .action((name: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/prices.ts')).publish(cli, name)),
    )
  prices
    .command('versions')
    .summary('list the versions of a price book')
    .description('Lists every published version of a price book, with its hash and when it holds.')
    .argument('<name>', 'name of the PriceBook')
    .addHelpText('after', '\nExample:\n  switchyard prices versions sale-2026 -o json')
    .action((name: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/prices.ts')).versions(cli, name)),
    )
}
