// How the server is reached: a unix socket with a password, or loopback where no socket path is short enough.
import { createHash } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { chmod, mkdir, rmdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { give, type Runner, reachable } from './runner.ts'

export interface Address {
  /** Folder of the unix socket, or '' for loopback. */
  readonly socket: string
  readonly port: number
}

/** sun_path holds 108 bytes with the closing zero on Linux, 104 on macOS. */
const pathLimit = process.platform === 'linux' ? 107 : 103
const socketPort = 5432

export async function chooseAddress(directory: string, runner: Runner): Promise<Address> {
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 12)
  const places = [join(directory, 'run'), join(tmpdir(), `switchyard-${hash}`)]
  for (const socket of places) {
    if (Buffer.byteLength(join(socket, `.s.PGSQL.${socketPort}`)) > pathLimit) continue
    if (!reachable(join(socket, '..'), runner)) continue
    if (await own(socket, runner)) return { socket, port: socketPort }
  }
  return { socket: '', port: await freePort() }
}

/** Makes the folder ours alone; false when someone else holds that name. */
async function own(folder: string, runner: Runner): Promise<boolean> {
  const stands = lstatSync(folder, { throwIfNoEntry: false })
  const owners = [process.getuid?.(), runner.uid]
  if (stands && !(stands.isDirectory() && owners.includes(stands.uid))) return false
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  await give(folder, runner)
  return true
}

/** Takes away the folder of a socket that stood outside the data folder; one that is in use stays. */
export async function leave(directory: string, { socket }: Address): Promise<void> {
  if (socket === '' || socket.startsWith(directory)) return
  await rmdir(socket).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}

export function urlOf(address: Address, password: string, database = 'switchyard'): string {
  const host = address.socket ? `localhost:${address.port}` : `127.0.0.1:${address.port}`
  const query = address.socket ? `?host=${encodeURIComponent(address.socket)}` : ''
  return `postgresql://switchyard:${password}@${host}/${database}${query}`
}
