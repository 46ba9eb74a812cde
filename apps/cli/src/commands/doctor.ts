// `switchyard doctor`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  program
    .command('doctor')
    .summary('look whether all is in order on the running server')
    .description(
      'Looks on the running server whether all is in order: files, disk, journal, schema, clocks, secrets, rights, usage, money and the trail. One line for each; what is wrong says what to do. Exit status 1 when a check failed. Asks for system:admin.',
    )
    .addHelpText('after', '\nExamples:\n  switchyard doctor\n  switchyard doctor -o json')
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/doctor.ts')).doctor(cli)),
    )
}
