// The program: its commands by name, of which only those that are called are loaded, and its one way in.
import { Command, CommanderError } from 'commander'
import { addGlobalFlags, type Flags, readFlags } from './flags.ts'
import { report } from './report.ts'
import type { Start } from './start.ts'
import type { Terminal } from './terminal.ts'

type Register = (program: Command, start: Start) => void

const verb = (load: () => Promise<{ readonly register: Register }>) => async () => (await load()).register

/** In the order in which help shows them. One module may give several commands. */
const groups: readonly (readonly [title: string, Readonly<Record<string, () => Promise<Register>>>])[] = [
  [
    'Start and sign in:',
    {
      up: verb(() => import('./commands/up.ts')),
      down: verb(() => import('./commands/down.ts')),
      login: verb(() => import('./commands/login.ts')),
      logout: verb(() => import('./commands/logout.ts')),
      context: verb(() => import('./commands/context.ts')),
      user: verb(() => import('./commands/user.ts')),
      session: verb(() => import('./commands/session.ts')),
    },
  ],
  [
    'Documents:',
    {
      apply: verb(() => import('./commands/apply.ts')),
      get: verb(() => import('./commands/get.ts')),
      describe: verb(() => import('./commands/describe.ts')),
      delete: verb(() => import('./commands/delete.ts')),
      wait: verb(() => import('./commands/wait.ts')),
      explain: verb(() => import('./commands/explain.ts')),
      config: verb(() => import('./commands/config.ts')),
    },
  ],
  [
    'Look and use:',
    {
      chat: verb(() => import('./commands/chat.ts')),
      logs: verb(() => import('./commands/logs.ts')),
      events: verb(() => import('./commands/events.ts')),
      route: verb(() => import('./commands/route.ts')),
      prices: verb(() => import('./commands/prices.ts')),
      invoice: verb(() => import('./commands/invoice.ts')),
      usage: verb(() => import('./commands/usage.ts')),
      audit: verb(() => import('./commands/audit.ts')),
      wallet: verb(() => import('./commands/wallet.ts')),
      keys: verb(() => import('./commands/keys.ts')),
    },
  ],
  [
    'Run the installation:',
    {
      doctor: verb(() => import('./commands/doctor.ts')),
      admin: verb(() => import('./commands/admin.ts')),
    },
  ],
  [
    'About this program:',
    {
      version: verb(() => import('./commands/version.ts')),
      completion: verb(() => import('./commands/completion.ts')),
    },
  ],
]

const teaching = `
Documents are written in YAML or JSON, and every kind takes its singular, plural or short name:
  switchyard up                              start everything here, with a small model
  switchyard apply -f endpoint.yaml          say what should run
  switchyard get endpoints -w                watch it come up
  switchyard chat switchyard-tiny "Hello"    talk to it
  switchyard explain endpoint.rollout        what a field means

The server is chosen by --context, then SWITCHYARD_URL and SWITCHYARD_TOKEN, then SWITCHYARD_DATA or
the folder that \`switchyard up\` was started in, then the current context. SWITCHYARD_WORKSPACE names the workspace.

Exit status: 0 yes; 1 the answer is no; 2 invalid; 3 unauthenticated; 4 denied; 5 not found;
6 conflict; 7 exhausted; 8 deadline; 9 unavailable; 10 internal; 130 cancelled.`

/** With `argv`, only the commands whose names stand in it are loaded, if any does. */
export async function createProgram(start: Start, argv?: readonly string[]): Promise<Command> {
  const program = new Command('switchyard')
    .description('Runs AI models on any cluster, joins them to one gateway, meters every request.')
    .usage('<command> [flags]')
    .configureHelp({ showGlobalOptions: true, sortOptions: false })
    .addHelpText('after', teaching)
  addGlobalFlags(program)
  const names = groups.flatMap(([, commands]) => Object.keys(commands))
  const called = names.filter(name => argv?.includes(name))
  const whole = called.length === 0 || argv?.includes('help') === true || called.includes('completion')
  for (const [title, commands] of groups) {
    program.commandsGroup(title)
    const wanted = Object.entries(commands).filter(([name]) => whole || called.includes(name))
    const registers = new Set(await Promise.all(wanted.map(([, load]) => load())))
    for (const register of registers) register(program, start)
  }
  return program
}

/** A command, and all below it. */
const withCommands = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(withCommands),
]

/** Runs one command line, without the program's name, and answers the exit status. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  let status = 0
  let flags: Pick<Flags, 'verbose' | 'color'> = { verbose: argv.includes('-v'), color: 'auto' }
  const start: Start = async (command, verb) => {
    const read = readFlags(command)
    flags = read
    const { createCli } = await import('./cli.ts')
    await using cli = createCli(terminal, read)
    const answer = await verb(cli)
    status = typeof answer === 'number' ? answer : 0
  }
  try {
    const program = await createProgram(start, argv)
    for (const command of withCommands(program))
      command.exitOverride().configureOutput({
        writeOut: text => void terminal.stdout.write(text),
        writeErr: text => void terminal.stderr.write(text),
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      })
    await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' })
    return status
  } catch (error) {
    // Commander has printed its own words already: help, or what is wrong with the flags.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    return report(error, terminal, flags)
  }
}
