// What stands in the data folder of the embedded server: the password, the cluster, and its first making.
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@switchyard/kinds'
import type { Binaries } from './binaries.ts'
import { give, nameOf, type Runner, spawnAs } from './runner.ts'

export async function makeFolder(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
    const probe = join(directory, `.write-${randomUUID()}`)
    await writeFile(probe, '')
    await rm(probe)
  } catch (cause) {
    throw new Fault(
      'unavailable',
      `The data folder ${directory} cannot be written: give it to the user who runs Switchyard, or name another with --data.`,
      { reason: 'folder_unwritable', cause },
    )
  }
}

/** The password of the server in this folder; made on first use, readable by us alone. */
export async function passwordOf(directory: string): Promise<string> {
  const path = join(directory, 'password')
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(randomBytes(24).toString('hex'))
    await file.sync()
    await file.close()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return (await readFile(path, 'utf8')).trim()
}

/** Refuses data that another major version wrote, or that another user owns. */
export function checkData(data: string, major: number): void {
  let written: string
  try {
    written = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  } catch (cause) {
    throw new Fault(
      'unavailable',
      `${data} cannot be read as a PostgreSQL data folder: start Switchyard as the user who made it, or name another folder with --data.`,
      { reason: 'data_unreadable', cause },
    )
  }
  if (written !== String(major))
    throw new Fault(
      'unavailable',
      `${data} was written by PostgreSQL ${written} and this is PostgreSQL ${major}: start the Switchyard that made it and back it up, or name another folder with --data.`,
      { reason: 'data_version' },
    )
}

/** Makes the cluster beside its final name and renames it, so that a half-made one is never taken for whole. */
export async function initialise(
  directory: string,
  binaries: Binaries,
  runner: Runner,
  password: string,
  durable: boolean,
): Promise<void> {
  const draft = join(directory, 'data.new')
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  // initdb wants an empty folder, so the password reaches it in one of its own.
  const secrets = join(directory, 'initdb')
  await rm(secrets, { recursive: true, force: true })
  await mkdir(secrets, { mode: 0o700 })
  const passwordFile = join(secrets, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  for (const path of [draft, secrets, passwordFile]) await give(path, runner)
  // Started inside `draft`; fd 3 is the password, open already, so that nothing has to walk to it.
  const pipe = await open(passwordFile, 'r')
  try {
    const argv = [
      '-D',
      nameOf(draft, runner),
      '-U',
      'switchyard',
      '--pwfile=/dev/fd/3',
      '-A',
      'scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      ...(durable ? [] : ['--no-sync']),
    ]
    const child = spawnAs(runner, binaries.initdb, argv, {
      cwd: draft,
      stdio: ['ignore', 'ignore', 'pipe', pipe.fd],
    })
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (status !== 0)
      throw new Fault(
        'unavailable',
        `PostgreSQL could not make its data in ${directory} (${lastLine(said)}): free the folder or name another with --data.`,
        { reason: 'initdb_failed', cause: new Error(said) },
      )
  } finally {
    await pipe.close()
    await rm(secrets, { recursive: true, force: true })
  }
  const data = join(directory, 'data')
  await chmod(draft, 0o700)
  if (!existsSync(data)) await rename(draft, data)
}

export function lastLine(text: string): string {
  const lines = text.trim().split('\n')
  return lines.findLast(line => /error|fatal|could not/i.test(line)) ?? lines.at(-1) ?? 'it said nothing'
}
