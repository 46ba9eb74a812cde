// The flags that every command knows, and reading them.
import { Fault } from '@switchyard/kinds/fault'
import { type Command, Option } from 'commander'
import { parseDuration } from './duration.ts'
import { type Format, formats } from './output/formats.ts'

export interface Flags {
  readonly context?: string
  readonly workspace?: string
  readonly allWorkspaces: boolean
  readonly output: Format
  readonly headers: boolean
  readonly color: 'auto' | 'always' | 'never'
  /** Seconds; absent when not given, for each command has its own. */
  readonly timeout?: number
  readonly yes: boolean
  readonly verbose: boolean
}

export function addGlobalFlags(program: Command): void {
  const options = [
    new Option('--context <name>', 'saved context to use, instead of the current one'),
    new Option('-W, --workspace <name>', 'workspace of the documents'),
    new Option('-A, --all-workspaces', 'look into every workspace that you may read'),
    new Option('-o, --output <format>', 'how to print').choices(formats).default('table'),
    new Option('--no-headers', 'leave the titles of tables out'),
    new Option('--color <when>', 'colour the output').choices(['auto', 'always', 'never']).default('auto'),
    new Option('--timeout <duration>', 'give up after this long, such as 30s or 5m'),
    new Option('--yes', 'go ahead without asking'),
    new Option('-v, --verbose', 'tell more on standard error: the server, request ids, causes'),
  ]
  for (const option of options) program.addOption(option)
}

export function readFlags(command: Command): Flags {
  const given = command.optsWithGlobals<{
    context?: string
    workspace?: string
    allWorkspaces?: boolean
    output: Format
    headers: boolean
    color: Flags['color']
    timeout?: string
    yes?: boolean
    verbose?: boolean
  }>()
  const { context, workspace, allWorkspaces = false, output, headers, color, timeout, yes = false } = given
  if (allWorkspaces && workspace !== undefined)
    throw new Fault('invalid', 'Give --workspace or --all-workspaces, not both.')
  return {
    ...(context !== undefined && { context }),
    ...(workspace !== undefined && { workspace }),
    ...(timeout !== undefined && { timeout: parseDuration(timeout, '--timeout') }),
    allWorkspaces,
    output,
    headers,
    color,
    yes,
    verbose: given.verbose ?? false,
  }
}
