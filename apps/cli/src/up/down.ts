// Stops all that `up` started on a folder, also when the server itself was killed.
import { Fault } from '@switchyard/kinds/fault'
import type { Progress } from '@switchyard/server'
import type { Cli } from '../cli.ts'
import { dataFolder, exitOf, startServer } from './server.ts'

export async function down(cli: Cli, options: { readonly data?: string }): Promise<void> {
  await stop(cli, 'down', { SWITCHYARD_DATA: dataFolder(cli.terminal, options.data) })
}

/** `reset` deletes the data folder afterwards. */
export async function stop(
  { terminal, note }: Cli,
  verb: 'down' | 'reset',
  settings: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const child = startServer(terminal, verb, settings, 'ignore')
  let failure: Fault | undefined
  child.on('message', (progress: Progress) => {
    if (progress.type === 'stopped') note(`Stopped ${progress.what}.`)
    if (progress.type === 'failed') failure = new Fault(progress.code, progress.message)
  })
  const code = await exitOf(child)
  if (failure) throw failure
  if (code !== 0) throw new Fault('internal', `Stopping ended with status ${code}.`)
}
