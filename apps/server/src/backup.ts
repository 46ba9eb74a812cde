// Backups of the database of an installation, and what brings one back: beside a server that runs, or without one.
import { Fault } from '@switchyard/kinds'
import { type BackupProgress, createBackup, restoreBackup } from '@switchyard/store/backup'
import { embeddedUrl, startEmbedded } from '@switchyard/store/embedded'
import { openFolder, running } from './folder.ts'
import type { Report } from './progress.ts'
import type { Settings } from './settings.ts'
import { version } from './version.ts'

const everyMilliseconds = 500

export async function backup(settings: Settings, report: Report, directory: string): Promise<void> {
  await withDatabase(settings, async url => {
    const made = await createBackup({ url, directory, version, observe: sometimes(report) })
    report({ type: 'backed_up', directory, ...made })
  })
}

export async function restore(settings: Settings, report: Report, directory: string): Promise<void> {
  const server = running(settings.data)
  if (server)
    throw new Fault(
      'conflict',
      `A server runs on ${settings.data} (process ${server.pid}): stop it, or restore into another folder with --data.`,
      { reason: 'server_running' },
    )
  await withDatabase(settings, async url => {
    report({ type: 'restored', ...(await restoreBackup({ url, directory, observe: sometimes(report) })) })
  })
}

/** The external one, the embedded one that runs, or the embedded one started for this alone. */
async function withDatabase(
  { databaseUrl, data }: Settings,
  work: (url: string) => Promise<void>,
): Promise<void> {
  if (databaseUrl !== undefined) return work(databaseUrl)
  const directory = openFolder(data).postgres
  const standing = await embeddedUrl({ directory })
  if (standing !== undefined) return work(standing)
  await using embedded = await startEmbedded({ directory })
  await work(embedded.url)
}

/** Tells no more often than a person reads. */
function sometimes(report: Report): (progress: BackupProgress) => void {
  let told = Number.NEGATIVE_INFINITY
  return progress => {
    const now = performance.now()
    if (now - told < everyMilliseconds && progress.done < progress.total) return
    told = now
    report({ type: 'copying', ...progress })
  }
}
