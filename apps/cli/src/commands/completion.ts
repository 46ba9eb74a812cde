// `switchyard completion`
import { Argument, type Command } from 'commander'
import type { Start } from '../start.ts'
import { type Shell, shells } from '../verbs/completion.ts'

export function register(program: Command, start: Start): void {
  program
    .command('completion')
    .summary('print a script that completes commands and flags in a shell')
    .description('Prints a script that completes commands, flags and kinds in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText(
      'after',
      `
Examples:
  switchyard completion bash > /etc/bash_completion.d/switchyard
  switchyard completion zsh > "\${fpath[1]}/_switchyard"
  switchyard completion fish > ~/.config/fish/completions/switchyard.fish`,
    )
    .action((shell: Shell, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/completion.ts')).completion(cli, shell, program)),
    )
}
