// A real database for tests: one embedded server for the test process, and a fresh migrated copy for whoever
// asks (about 30 ms). Nothing outlives the process, however it ends.
import { spawn } from 'node:child_process'
import { chmod, mkdtemp } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Persons } from '@switchyard/runtime'
import { Client } from 'pg'
import { type Embedded, startEmbedded } from './embedded/index.ts'
import { migrate, type OpenedStore, type OpenOptions, openStore, rootKeyOf } from './index.ts'

export interface TestDatabase extends OpenedStore {
  /** Superuser's URL of this database alone. */
  readonly url: string
}

interface Server {
  readonly url: (database: string) => string
  /** One copy at a time: PostgreSQL copies a template only while nobody is connected to it. */
  readonly copy: () => Promise<string>
}

let server: Promise<Server> | undefined

/** Opens a fresh migrated database; disposing closes the connections (the server goes with the process). */
export async function testDatabase(options: Omit<OpenOptions, 'url'> = {}): Promise<TestDatabase> {
  server ??= startServer()
  const { url, copy } = await server
  const own = url(await copy())
  return { url: own, ...openStore({ connections: 10, ...options, url: own }) }
}

/** Keys of persons under a root key of their own. */
export function testPersons({ openKeys, openVault, openPersons }: OpenedStore): Persons {
  const keys = openKeys([rootKeyOf(new Uint8Array(32).fill(7))])
  return openPersons(keys, openVault(keys))
}

async function startServer(): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'switchyard-test-'))
  await chmod(directory, 0o711) // as root: the unprivileged user walks in to its own folders
  const embedded = await startEmbedded({ directory, durable: false })
  endWithUs(embedded, directory)
  await migrate(embedded.url)
  const url = (database: string) =>
    embedded.url.replace('/switchyard?', `/${database}?`).replace(/\/switchyard$/, `/${database}`)
  let number = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    url,
    copy() {
      const name = `test_${++number}`
      const made = last.then(async () => {
        const client = new Client({ connectionString: url('postgres') })
        await client.connect()
        await client.query(`create database ${name} template switchyard strategy file_copy`)
        await client.end()
        return name
      })
      last = made.catch(() => {})
      return made
    },
  }
}

/** A small shell waits for the end of our pipe, which comes with our end, and takes the server away. */
function endWithUs(embedded: Embedded, directory: string): void {
  const script = 'read _; kill -QUIT $1; while kill -0 $1 2>/dev/null; do sleep 0.1; done; rm -rf "$2"'
  const child = spawn('/bin/sh', ['-c', script, 'sh', String(embedded.pid), directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
}
