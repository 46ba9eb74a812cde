// `switchyard explain`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  program
    .command('explain')
    .summary('tell what a kind is, or what a field means')
    .description(
      'Tells what the kinds are, what fields a kind has, and what a field means, by the schema of this program.',
    )
    .argument('[kind.path]', 'kind, or kind and field with dots between')
    .addHelpText(
      'after',
      `
Examples:
  switchyard explain                            every kind
  switchyard explain endpoint
  switchyard explain endpoint.rollout.maxSurge`,
    )
    .action((path: string | undefined, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/explain.ts')).explain(cli, path)),
    )
}
