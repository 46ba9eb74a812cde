// Whether all is in order: a line for each check, and below it what to do where it is not.
import type { Cli } from '../cli.ts'
import { json, yaml } from '../output/formats.ts'
import { table } from '../output/table.ts'
import { safe } from '../output/width.ts'

export async function doctor(cli: Cli): Promise<number> {
  const report = await (await cli.client()).doctor()
  const { passed, warned, failed, checks } = report
  const status = failed > 0 ? 1 : 0
  if (cli.flags.output === 'json') cli.out(json(report))
  else if (cli.flags.output === 'yaml') cli.out(await yaml([report]))
  else {
    const { colors } = cli
    const paints = { pass: colors.green, warn: colors.yellow, fail: colors.red }
    const { text } = table(
      [
        {
          title: 'STATUS',
          paint: (padded, cell) => paints[cell as keyof typeof paints](padded), // the column below holds nothing else
        },
        { title: 'CHECK' },
        { title: 'FOUND' },
      ],
      checks.map(({ name, status, found }) => [status, name, found]),
    )
    cli.out(text)
    const wrong = checks.filter(({ status }) => status !== 'pass')
    for (const { name, asserts, todo = '' } of wrong)
      cli.out(`\n${safe(name)}: it should be so that: ${safe(asserts)}\n  ${safe(todo)}\n`)
    cli.note(`${passed} passed, ${warned} to look at, ${failed} failed.`)
  }
  return status
}
