// Completion scripts for shells, from the program's own commands and flags and from the kinds.
import { kinds } from '@switchyard/kinds'
import type { Command } from 'commander'
import type { Cli } from '../cli.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

interface Words {
  readonly commands: readonly { readonly name: string; readonly words: readonly string[] }[]
  readonly names: readonly string[]
  readonly flags: readonly string[]
}

const longFlags = (command: Command) => command.options.flatMap(({ long }) => (long ? [long] : []))
const takesKinds = (command: Command) =>
  command.registeredArguments.some(argument => argument.name().startsWith('kind'))
const kindWords = kinds.map(({ plural }) => plural)

function wordsOf(program: Command): Words {
  const commands = program.commands.map(command => ({
    name: command.name(),
    words: [
      ...command.commands.map(inner => inner.name()),
      ...(takesKinds(command) ? kindWords : []),
      ...longFlags(command),
    ],
  }))
  return { commands, names: commands.map(({ name }) => name), flags: longFlags(program) }
}

const bash = ({ commands, names, flags }: Words) => `# bash completion of switchyard
_switchyard() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="" part
  for part in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$part" in ${names.join('|')}) command="$part"; break ;; esac
  done
  local words="${flags.join(' ')}"
  case "$command" in
    "") words="$words ${names.join(' ')}" ;;
${commands.map(({ name, words }) => `    ${name}) words="$words ${words.join(' ')}" ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _switchyard switchyard
`

const zsh = (words: Words) => `#compdef switchyard
autoload -U +X bashcompinit && bashcompinit
${bash(words)}`

const fish = ({ commands, names, flags }: Words) => {
  const none = `not __fish_seen_subcommand_from ${names.join(' ')}`
  const lines = [
    ...flags.map(flag => `complete -c switchyard -l ${flag.slice(2)}`),
    `complete -c switchyard -f -n '${none}' -a '${names.join(' ')}'`,
    ...commands.flatMap(({ name, words }) => {
      const when = `-n '__fish_seen_subcommand_from ${name}'`
      const plain = words.filter(word => !word.startsWith('--'))
      return [
        ...(plain.length > 0 ? [`complete -c switchyard -f ${when} -a '${plain.join(' ')}'`] : []),
        ...words
          .filter(word => word.startsWith('--'))
          .map(word => `complete -c switchyard ${when} -l ${word.slice(2)}`),
      ]
    }),
  ]
  return `# fish completion of switchyard\n${lines.join('\n')}\n`
}

const writers = { bash, zsh, fish } satisfies Record<Shell, (words: Words) => string>

export async function completion(cli: Cli, shell: Shell, program: Command): Promise<void> {
  cli.out(writers[shell](wordsOf(program)))
}
