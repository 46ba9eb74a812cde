// How the configuration file of the server stands.
import type { Cli } from '../cli.ts'
import { relative } from '../output/cell.ts'
import { json, yaml } from '../output/formats.ts'
import { safe } from '../output/width.ts'

export async function configStatus(cli: Cli): Promise<number> {
  const state = await (await cli.client()).configuration()
  const { phase, file, appliedAt, refusedAt, digest, documents, problems } = state
  const status = phase === 'refused' ? 1 : 0
  if (cli.flags.output === 'json') cli.out(json(state))
  else if (cli.flags.output === 'yaml') cli.out(await yaml([state]))
  else if (phase === 'none')
    cli.out('This server follows no configuration file: start it with --config FILE.\n')
  else {
    const { colors } = cli
    const now = cli.terminal.now()
    const paint = phase === 'applied' ? colors.green : colors.red
    cli.out(`${safe(file ?? '')} ${paint(phase)}\n`)
    if (appliedAt)
      cli.out(`In force: ${digest ?? ''}, ${documents} documents, since ${relative(appliedAt, now)}\n`)
    else if (phase === 'refused') cli.out('In force: what the server had made of it before it was started\n')
    if (refusedAt) cli.out(`Refused ${relative(refusedAt, now)}:\n`)
    for (const problem of problems) cli.out(`  ${safe(problem)}\n`)
  }
  return status
}
