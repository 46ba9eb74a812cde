// Makes a backup of an installation of this machine, and brings one back.
import { resolve } from 'node:path'
import { Fault } from '@switchyard/kinds/fault'
import type { Progress } from '@switchyard/server'
import type { Cli } from '../cli.ts'
import { dataFolder, exitOf, startServer } from './server.ts'

export interface PlaceOptions {
  readonly data?: string
  readonly databaseUrl?: string
}

const doing = {
  checking: ['Checking', 'bytes'],
  writing: ['Writing', 'rows'],
  loading: ['Loading', 'rows'],
} as const

export async function backup(cli: Cli, directory: string, options: PlaceOptions): Promise<void> {
  await run(cli, 'backup', directory, options, progress => {
    if (progress.type !== 'backed_up') return
    const { tables, rows, bytes, sha256, rootKeys } = progress
    cli.note(
      `${tables} tables with ${rows} rows in ${bytes} bytes, whole. SHA-256 of manifest.json: ${sha256}`,
    )
    cli.note(keysWanted(rootKeys, 'It opens with', 'which is not part of it: keep that elsewhere.'))
    cli.out(`${progress.directory}\n`)
  })
}

export async function restore(cli: Cli, directory: string, options: PlaceOptions): Promise<void> {
  await run(cli, 'restore', directory, options, progress => {
    if (progress.type !== 'restored') return
    const { tables, rows, madeAt, rootKeys } = progress
    cli.note(`${tables} tables with ${rows} rows, as they were at ${madeAt}.`)
    cli.note(keysWanted(rootKeys, 'The server starts on it with', 'as `secrets.key` or by a setting.'))
    cli.note('Revoke anew what was revoked since. `switchyard doctor` looks whether all is in order.')
  })
}

function keysWanted(ids: readonly string[], before: string, after: string): string {
  if (ids.length === 0) return 'Nothing is sealed in it.'
  return `${before} the root ${ids.length === 1 ? 'key' : 'keys'} ${ids.join(', ')}, ${after}`
}

async function run(
  { terminal, note, signal }: Cli,
  verb: 'backup' | 'restore',
  directory: string,
  { data, databaseUrl }: PlaceOptions,
  ended: (progress: Progress) => void,
): Promise<void> {
  const settings = { SWITCHYARD_DATA: dataFolder(terminal, data), SWITCHYARD_DATABASE_URL: databaseUrl }
  const child = startServer(terminal, verb, settings, 'ignore', resolve(terminal.cwd, directory))
  const stop = () => void child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  const tell = teller(note, () => terminal.now().getTime())
  let failure: Fault | undefined
  child.on('message', (progress: Progress) => {
    if (progress.type === 'copying') tell(progress)
    else if (progress.type === 'failed') failure = new Fault(progress.code, progress.message)
    else ended(progress)
  })
  const code = await exitOf(child)
  signal.throwIfAborted()
  if (failure) throw failure
  if (code !== 0) throw new Fault('internal', `The ${verb} ended with status ${code}.`)
}

/** What is being done, how far it is, and how long it will go on at this rate. */
function teller(
  note: Cli['note'],
  now: () => number,
): (progress: Extract<Progress, { type: 'copying' }>) => void {
  let part: { readonly doing: string; readonly at: number; readonly done: number } | undefined
  return ({ doing: what, table, done, total }) => {
    if (part?.doing !== what) part = { doing: what, at: now(), done }
    const [word, unit] = doing[what]
    const seconds = (now() - part.at) / 1000
    const rest = ((total - done) * seconds) / (done - part.done)
    const left = Number.isFinite(rest) && rest >= 1 ? `, about ${Math.ceil(rest)} s left` : ''
    note(`${word} ${table}: ${done} of ${total} ${unit}${left}.`)
  }
}
