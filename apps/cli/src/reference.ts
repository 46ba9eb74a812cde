// The reference page of the command line, written from the program itself: node apps/cli/src/reference.ts > docs/cli.md
import type { Argument, Command, Option } from 'commander'
import { displayWidth, pad } from './output/width.ts'
import { createProgram } from './program.ts'

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

const defaultOf = ({ defaultValue }: Option) =>
  typeof defaultValue === 'string' || typeof defaultValue === 'number' ? `. Default: \`${defaultValue}\`` : ''
const choicesOf = ({ argChoices }: Option | Argument) =>
  argChoices ? `. One of ${argChoices.map(choice => `\`${choice}\``).join(', ')}` : ''

/** A Markdown table whose columns line up in the text too, as the formatter wants them. */
function markdownTable(rows: readonly (readonly [string, string])[]): string {
  const [left, right] = [0, 1].map(at => Math.max(3, ...rows.map(row => displayWidth(row[at] ?? ''))))
  const line = ([a, b]: readonly [string, string]) => `| ${pad(a, left ?? 0)} | ${pad(b, right ?? 0)} |`
  const rule: readonly [string, string] = ['-'.repeat(left ?? 0), '-'.repeat(right ?? 0)]
  const [head, ...body] = rows
  return head ? [line(head), line(rule), ...body.map(line)].join('\n') : ''
}

function optionRows(options: readonly Option[]): string {
  const rows = options
    .filter(({ hidden }) => !hidden)
    .map((option): readonly [string, string] => [
      `\`${option.flags.replaceAll('|', '\\|')}\``,
      `${cell(option.description)}${choicesOf(option)}${defaultOf(option)}`,
    ])
  return rows.length === 0 ? '' : markdownTable([['flag', ''], ...rows])
}

/** Text that help shows after a command: its examples. */
function examplesOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: piece => (text += piece) })
  command.outputHelp()
  const at = text.search(/^(Examples?:|Documents are written)/m)
  return at === -1
    ? ''
    : text
        .slice(at)
        .replace(/^Examples?:\n/, '')
        .trimEnd()
}

const unindent = (text: string) => text.replace(/^ {2}/gm, '')

function section(command: Command, path: string, depth: number): string {
  const name = `${path} ${command.name()}`
  const words = command.registeredArguments.map(argument => {
    const variadic = argument.variadic ? '...' : ''
    return argument.required ? `<${argument.name()}${variadic}>` : `[${argument.name()}${variadic}]`
  })
  const args = command.registeredArguments
    .filter(({ description }) => description !== '')
    .map(argument => `- \`${argument.name()}\`: ${cell(argument.description)}.${choicesOf(argument)}`)
  const examples = examplesOf(command)
  return [
    `${'#'.repeat(depth)} ${name}`,
    `\`${[name, ...words, ...(command.options.length > 0 ? ['[flags]'] : [])].join(' ')}\``,
    command.description(),
    args.join('\n'),
    optionRows(command.options),
    examples && `\`\`\`sh\n${unindent(examples)}\n\`\`\``,
    ...command.commands.map(inner => section(inner, name, depth + 1)),
  ]
    .filter(Boolean)
    .join('\n\n')
}

export async function reference(): Promise<string> {
  const program = await createProgram(async () => {})
  const teaching = examplesOf(program)
  const groups = Map.groupBy(program.commands, command => command.helpGroup())
  return `${[
    '# The command line',
    '<!-- Written by `node apps/cli/src/reference.ts > docs/cli.md`; a test keeps it so. -->',
    program.description(),
    `\`\`\`text\n${teaching}\n\`\`\``,
    '## Flags of every command',
    optionRows(program.options),
    ...[...groups].flatMap(([title, commands]) => [
      `## ${title.replace(/:$/, '')}`,
      ...commands.map(command => section(command, 'switchyard', 3)),
    ]),
  ].join('\n\n')}\n`
}

if (import.meta.main) process.stdout.write(await reference())
