// Everything that is wrong with a configuration file, before a server is given it.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { CheckedConfiguration } from '@switchyard/client'
import {
  byPlace,
  type Entry,
  judge,
  type Lookup,
  located,
  order,
  type Problem,
  problemAt,
  readDocuments,
} from '@switchyard/manifest'
import type { Cli } from '../cli.ts'
import { readSources } from '../manifest/source.ts'
import { json } from '../output/formats.ts'
import { type TableColumn, table } from '../output/table.ts'
import { safe } from '../output/width.ts'

export interface ConfigCheckOptions {
  readonly server?: boolean
  readonly withoutValues?: boolean
  readonly strict?: boolean
}

type Outcome = CheckedConfiguration['documents'][number]

/** Files of so many documents take long enough to be told of. */
const many = 200
/** As the server has it for documents that name no workspace. */
const home = 'default'
const refused = 2

export async function configCheck(cli: Cli, file: string, options: ConfigCheckOptions): Promise<number> {
  const sources = await readSources([file], cli.terminal, cli.signal)
  const { entries, problems, found } = readDocuments(
    sources,
    home,
    lookupOf(cli, file, options),
    progress(cli),
  )
  const judged = judge(entries, { elsewhere: options.server ? 'ignore' : 'warn' })
  const all = [...problems, ...judged]
  const sound = all.every(({ severity }) => severity === 'warning')
  const asked = options.server && sound ? await ask(cli, order(entries)) : undefined
  const told = [...all, ...(asked?.problems ?? [])].toSorted(byPlace)
  const errors = told.filter(({ severity }) => severity === 'error').length
  const taken = errors === 0 && !(options.strict && told.length > 0)
  if (cli.flags.output === 'json') cli.out(json(asJson(taken, entries, told, asked?.outcomes)))
  else {
    cli.out(summary(cli, entries, told, asked?.outcomes))
    for (const problem of told) cli.out(line(cli, problem))
    cli.out(verdict(cli, { taken, found, errors, warnings: told.length - errors, changes: asked?.outcomes }))
    if (options.server && !sound)
      cli.note('The server was not asked: what is wrong here would be refused there too.')
  }
  return taken ? 0 : refused
}

/** The values that a server would find if it were started here. */
function lookupOf({ terminal }: Cli, file: string, { withoutValues }: ConfigCheckOptions): Lookup {
  const { env, cwd } = terminal
  const folder = file === '-' ? cwd : dirname(resolve(cwd, file))
  if (withoutValues) return { env: () => undefined, file: () => undefined, missing: 'warning' }
  return {
    env: name => env[name],
    file: path => {
      try {
        return readFileSync(resolve(folder, path), 'utf8')
      } catch {
        return undefined // the problem names the file
      }
    },
  }
}

/** A line on a terminal that goes away when the last document has been checked. */
function progress({ terminal }: Cli): ((done: number, total: number) => void) | undefined {
  const { stderr } = terminal
  if (!stderr.isTTY) return undefined
  return (done, total) => {
    if (total < many) return
    if (done === total) stderr.write('\r\x1b[2K')
    else if (done % 100 === 0) stderr.write(`\r\x1b[2KChecked ${done} of ${total} documents`)
  }
}

/** What the server would do, and what it objects to, in the words of the file. */
async function ask(
  cli: Cli,
  entries: readonly Entry[],
): Promise<{ readonly problems: readonly Problem[]; readonly outcomes: readonly Outcome[] }> {
  const client = await cli.client()
  const documents = entries.map(({ manifest, workspace }) => ({
    ...manifest,
    metadata: { ...manifest.metadata, workspace },
  }))
  const checked = await client.checkConfiguration(documents)
  const problems = checked.problems.flatMap(({ index, kind, name, reason, message, details }) => {
    const entry = index === undefined ? undefined : entries[index]
    if (!entry) return [leftover(kind, name, reason, message)]
    const placed = details.filter(({ path }) => path !== '')
    const all = placed.length > 0 ? placed : [{ path: '', rule: reason, message }]
    return all.map(one =>
      problemAt(entry.place, { ...one, path: one.path.replace(/\.(\d+)(?=\.|$)/g, '[$1]') }),
    )
  })
  return { problems, outcomes: checked.documents }
}

const leftover = (kind: string, name: string, rule: string, message: string): Problem => ({
  severity: 'error',
  file: 'the server',
  kind,
  line: undefined,
  column: undefined,
  document: undefined,
  path: '',
  rule,
  message: `${kind} ${name} is no longer in the file, and cannot go: ${message}`,
})

function summary(
  cli: Cli,
  entries: readonly Entry[],
  problems: readonly Problem[],
  outcomes: readonly Outcome[] | undefined,
): string {
  const kinds = [
    ...new Set([
      ...entries.map(({ kind }) => kind.kind),
      ...problems.flatMap(({ kind }) => kind ?? []),
      ...(outcomes ?? []).map(({ kind }) => kind),
    ]),
  ]
  const { red, yellow, green, bold } = cli.colors
  const number = (title: string, paint?: (text: string) => string): TableColumn => ({
    title,
    align: 'right',
    paint: (padded, cell) => (paint && cell !== '-' ? paint(padded) : padded),
  })
  const count = (all: readonly unknown[]) => (all.length === 0 ? '-' : String(all.length))
  const changes = [
    ['NEW', 'created'],
    ['CHANGED', 'configured'],
    ['SAME', 'unchanged'],
    ['GONE', 'deleted'],
  ] as const
  const columns = [
    { title: 'KIND' },
    number('RIGHT', green),
    number('ERRORS', red),
    number('WARNINGS', yellow),
    ...(outcomes ? changes.map(([title]) => number(title)) : []),
  ]
  const rows = kinds.map(kind => [
    kind,
    count(entries.filter(entry => entry.kind.kind === kind)),
    ...(['error', 'warning'] as const).map(severity =>
      count(problems.filter(problem => problem.kind === kind && problem.severity === severity)),
    ),
    ...(outcomes
      ? changes.map(([, word]) =>
          count(
            outcomes.filter(
              one =>
                one.kind === kind &&
                (one.outcome === word || (word === 'deleted' && one.outcome === 'leaving')),
            ),
          ),
        )
      : []),
  ])
  if (rows.length === 0) return ''
  return `${table(columns, rows, { headers: cli.flags.headers, paintHeader: bold }).text}\n`
}

function line({ colors }: Cli, problem: Problem): string {
  const word = problem.severity === 'error' ? colors.red('error  ') : colors.yellow('warning')
  return `${word} ${safe(located(problem))}\n`
}

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`

function verdict(
  { colors }: Cli,
  told: {
    readonly taken: boolean
    readonly found: number
    readonly errors: number
    readonly warnings: number
    readonly changes: readonly Outcome[] | undefined
  },
): string {
  const { taken, found, errors, warnings, changes } = told
  const counts = [
    plural(found, 'document'),
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
  ].join(', ')
  const changed = changes?.filter(({ outcome }) => outcome !== 'unchanged').length
  const there =
    changed === undefined || !taken
      ? ''
      : changed === 0
        ? '; nothing would change'
        : `; ${changed} would change`
  return `${taken ? colors.green('ok') : colors.red('refused')}: ${counts}${there}\n`
}

function asJson(
  valid: boolean,
  entries: readonly Entry[],
  problems: readonly Problem[],
  outcomes: readonly Outcome[] | undefined,
) {
  return {
    valid,
    documents: entries.map(({ kind, workspace, name, place }) => ({
      kind: kind.kind,
      workspace,
      name,
      file: place.file,
      line: place.line(''),
    })),
    problems,
    ...(outcomes && { changes: outcomes }),
  }
}
