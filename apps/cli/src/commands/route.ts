// `switchyard route …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { RouteExplainOptions } from '../verbs/route-explain.ts'
import { collect } from './options.ts'

export function register(program: Command, start: Start): void {
  program
    .command('route')
    .summary('ask the gateway where a request would go, and why')
    .description('Asks the running gateway about its routes.')
    .command('explain')
    .summary('tell where a request for a model would go now, and why not elsewhere')
    .description(
      'Tells which route a request would take and why the others do not, how each upstream of its tiers stands, and which limits, guardrails, cache and times would hold. Nothing is sent and nothing changes. Exits with 1 when the request would be refused.',
    )
    .argument('<model>', 'public model name')
    .option('--key <name>', 'name of the API key that it would be asked with')
    .option('--header <name=value>', 'header of the request; may be repeated', collect)
    .option('--metadata <name=value>', 'member of its metadata; may be repeated', collect)
    .option('--tag <tag>', 'tag of x-switchyard-tags; may be repeated', collect)
    .option('--session <session>', 'what keeps a session at one upstream')
    .option('--stream', 'the answer is to be a stream')
    .addHelpText(
      'after',
      `
Examples:
  switchyard route explain chat
  switchyard route explain gpt-5 --key ci --tag beta --header x-tenant=acme
  switchyard route explain chat -o json`,
    )
    .action((model: string, options: RouteExplainOptions, command: Command) =>
      start(command, async cli =>
        (await import('../verbs/route-explain.ts')).routeExplain(cli, model, options),
      ),
    )
}
