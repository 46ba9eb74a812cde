// `switchyard wallet …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { EntriesOptions, MoneyOptions, WalletOptions } from '../verbs/wallet.ts'
import { count, positive } from './options.ts'

const project = ['--project <name>', 'the account of this project'] as const

export function register(program: Command, start: Start): void {
  const wallet = program
    .command('wallet')
    .summary('show and change what a workspace has paid in or owes')
    .description(
      'Balances of a workspace that is billed (spec.billing of the Workspace), and what has changed them.',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchyard wallet show
  switchyard wallet topup 100 --key invoice-4711
  switchyard wallet grant 5 --expires 30d --reason "welcome"
  switchyard wallet entries --limit 20`,
    )
  wallet
    .command('show')
    .summary('show balances, and what is held of them')
    .description('Shows what there is on each account, what is held of it and what may be spent.')
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/wallet.ts')).show(cli)),
    )
  wallet
    .command('entries')
    .summary('show what has changed the balances, newest first')
    .description('Shows what has changed the balances, newest first.')
    .option(...project)
    .option('--limit <n>', 'at most this many', positive, 50)
    .action((options: EntriesOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/wallet.ts')).entries(cli, options)),
    )

  /** A command that changes a balance. */
  const money = (name: string, type: MoneyOptions['type'], summary: string, credit: boolean) => {
    const command = wallet
      .command(name)
      .summary(summary)
      .description(`Does so once: the same --key again changes nothing. Without one every call counts.`)
      .argument('<amount>', 'decimal, in the currency of the workspace')
      .option(...project)
      .option('--key <text>', 'Idempotency-Key, such as the number of the payment')
      .option('--reason <text>', 'for those who read the entries')
    if (credit)
      command
        .option('--priority <n>', 'the lowest burns first (default: 100)', count)
        .option(
          '--expires <time>',
          'taken back then, as far as it is not used: 2026-12-31, or a length such as 30d',
        )
    command.action((amount: string, options: WalletOptions, called: Command) =>
      start(called, async cli =>
        (await import('../verbs/wallet.ts')).bring(cli, amount, { ...options, type }),
      ),
    )
  }
  money('topup', 'top_up', 'record money that was paid in', true)
  money('grant', 'grant', 'give credit that was not paid for', true)
  money('withdraw', 'withdrawal', 'record money that is paid out', false)
  money('correct', 'correction', 'put a balance right; below 0 takes away (write it after --)', false)
}
