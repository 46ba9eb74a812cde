// `up`, `down`, `reset`, `backup` and `restore`: what the command line starts, and `worker`, which `up` does. Progress goes to the parent
// by messages. A worker loads the gateway alone.
import { Fault } from '@switchyard/kinds'
import { readQuickstart, readWorkers, running } from './folder.ts'
import type { Quickstart, Report } from './progress.ts'
import { readSettings, type Settings } from './settings.ts'

const [, , verb, folder] = process.argv

const report: Report = progress => {
  // A parent that has gone on (`--detach`) hears nothing more, and that is fine.
  if (process.connected) process.send?.(progress, undefined, undefined, () => undefined)
}

/** Facts of the server that already runs here, when it is the one that is asked for. */
function alreadyUp(
  settings: Settings,
): { readonly quickstart: Quickstart; readonly pid: number } | undefined {
  const server = running(settings.data)
  const quickstart = readQuickstart(settings.data)
  const same = server?.port === settings.port && settings.model === undefined
  return server && quickstart && same ? { quickstart: quickstart as Quickstart, pid: server.pid } : undefined // written whole
}

async function up(settings: Settings): Promise<void> {
  const standing = alreadyUp(settings)
  if (standing)
    return report({ type: 'ready', bundled: false, workers: readWorkers(settings.data), ...standing })
  const stopping = new AbortController()
  const stop = new Promise<void>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        stopping.abort(new Fault('cancelled', 'Stopped while starting.'))
        resolve()
      })
  })
  const { serve } = await import('./serve.ts')
  await using serving = await serve(settings, report, stopping.signal)
  const { quickstart, bundled, workers } = serving
  report({ type: 'ready', quickstart, bundled, workers, pid: process.pid })
  await stop
}

const verbs: Readonly<Record<string, (settings: Settings) => Promise<void>>> = {
  up,
  down: async settings => (await import('./down.ts')).down(settings, report),
  reset: async settings => (await import('./down.ts')).reset(settings, report),
  backup: async settings => (await import('./backup.ts')).backup(settings, report, named(folder)),
  restore: async settings => (await import('./backup.ts')).restore(settings, report, named(folder)),
  worker: async settings => (await import('./workers-child.ts')).work(settings),
}

function named(directory: string | undefined): string {
  if (directory === undefined) throw new Fault('invalid', 'Name the folder of the backup.')
  return directory
}

try {
  const run = verbs[verb ?? '']
  if (!run) throw new Fault('invalid', 'Usage: main.ts up | down | reset | backup DIR | restore DIR')
  await run(readSettings(process.env))
} catch (error) {
  const fault =
    error instanceof Fault ? error : new Fault('internal', `Unexpected: ${String(error)}`, { cause: error })
  console.error(fault.message, fault.cause ?? '')
  report({ type: 'failed', code: fault.code, message: fault.message })
  process.exitCode = 1
} finally {
  if (process.connected) process.disconnect?.()
}
