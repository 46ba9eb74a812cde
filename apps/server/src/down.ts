// Stops all that `up` started on a folder: the server after its requests, then the engines, then PostgreSQL.
// Works as well when the server was killed and left the rest behind.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { openProcesses } from '@switchyard/drivers/orchestrators/process'
import { Fault } from '@switchyard/kinds'
import { systemClock, systemRandom } from '@switchyard/runtime'
import { stopEmbedded } from '@switchyard/store/embedded'
import { openFolder, release, running, startTime } from './folder.ts'
import type { Report } from './progress.ts'
import type { Settings } from './settings.ts'

const graceSeconds = 5

export async function down(
  { data, stopDelaySeconds, drainSeconds }: Settings,
  report: Report,
): Promise<void> {
  if (!existsSync(data)) return
  const folder = openFolder(data)
  const server = running(data)
  if (server) {
    process.kill(server.pid, 'SIGTERM')
    // Wait, drain, ship, close: each has its own bound, and this is their sum with room.
    await gone(server.pid, server.startTime, (stopDelaySeconds + drainSeconds + 30) * 1000)
    report({ type: 'stopped', what: `the server (process ${server.pid})` })
  }
  await using processes = await openProcesses({
    directory: folder.path,
    installation: folder.installation,
    environment: {},
    clock: systemClock,
    random: systemRandom,
  })
  await processes.endAll(graceSeconds)
  report({ type: 'stopped', what: 'the engines' })
  if (await stopEmbedded({ directory: folder.postgres })) report({ type: 'stopped', what: 'PostgreSQL' })
  release(data)
}

/** Stops all of it and deletes the folder. An external database keeps what it has. */
export async function reset(settings: Settings, report: Report): Promise<void> {
  if (settings.databaseUrl !== undefined)
    throw new Fault(
      'invalid',
      '--reset does not touch an external database: drop and create it yourself, then start without --reset.',
      {
        reason: 'reset_external',
      },
    )
  await down(settings, report)
  await rm(settings.data, { recursive: true, force: true })
}

async function gone(pid: number, since: string, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (startTime(pid) === since) {
    if (performance.now() > deadline) {
      process.kill(pid, 'SIGKILL')
      return
    }
    await systemClock.sleep(50)
  }
}
