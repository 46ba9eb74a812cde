// The programs of the bench, each a process of its own that ends with it.
import { type ChildProcess, execFileSync, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

export interface Program {
  readonly name: string
  readonly port: number
  /** Where streams go, when that is another port. */
  readonly streamPort?: number
  readonly process: ChildProcess
  /** What it wants beside the headers of every request. */
  readonly headers: string
}

const here = import.meta.dirname

async function forked(name: string, file: string, args: readonly string[], headers = ''): Promise<Program> {
  const child = fork(join(here, file), args, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { name, port, process: child, headers }
}

export const startStub = () => forked('direct', 'stub.ts', [])

export const startBare = (upstream: number) =>
  forked('node:http + undici', 'proxies/bare.ts', [`${upstream}`])

export function startGateway(
  upstream: number,
  folder: string,
  key: string,
  sync: 'interval' | 'reply' = 'interval',
) {
  const name = sync === 'interval' ? 'switchyard' : 'switchyard, fsync first'
  return forked(
    name,
    'proxies/gateway.ts',
    [`${upstream}`, folder, key, sync],
    `authorization: Bearer ${key}\r\n`,
  )
}

export function nginxBinary(): string {
  const found = [
    '/usr/sbin/nginx',
    '/usr/local/sbin/nginx',
    '/usr/bin/nginx',
    '/opt/homebrew/bin/nginx',
  ].find(path => existsSync(path))
  if (found) return found
  throw new Error(
    'nginx is the reference of this bench and is not installed: run `apt-get install nginx-light` (Debian) as root.',
  )
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

export async function startNginx(upstream: number, folder: string): Promise<Program> {
  const binary = nginxBinary()
  const port = await freePort()
  const streamPort = await freePort()
  const text = readFileSync(join(here, 'proxies/nginx.conf'), 'utf8')
    .replaceAll('FOLDER', folder)
    .replace('UPSTREAM', `${upstream}`)
    .replace('PORT', `${port}`)
    .replace('STREAMS', `${streamPort}`)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, text)
  const child = spawn(binary, ['-c', file, '-p', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  await listening(port)
  return { name: 'nginx', port, streamPort, process: child, headers: '' }
}

/** Installed by the first run, from its own lock file, so that nobody else has to download it. */
export async function startPortkey(upstream: number): Promise<Program> {
  const folder = join(here, 'portkey')
  if (!existsSync(join(folder, 'node_modules'))) {
    console.log('installing @portkey-ai/gateway 1.15.2 into bench/portkey …')
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: 'inherit',
    })
  }
  const port = await freePort()
  const entry = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  const child = spawn(process.execPath, [entry, `--port=${port}`, '--headless'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await listening(port)
  const headers =
    'authorization: Bearer sk-bench\r\nx-portkey-provider: openai\r\n' +
    `x-portkey-custom-host: http://localhost:${upstream}/v1\r\n`
  return { name: 'portkey', port, process: child, headers }
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (open) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens on port ${port} after 10 s`)
}

/** The process and those that it has started. */
function tree(pid: number): number[] {
  const children = spawnSync('ps', ['-o', 'pid=', '--ppid', `${pid}`], { encoding: 'utf8' }).stdout
  return [pid, ...children.split('\n').map(Number).filter(Boolean)]
}

const tickMicroseconds = 10_000

export interface Gauge {
  /** CPU used so far, user and system. */
  readonly cpuMicroseconds: () => number
  readonly residentBytes: () => number
}

/** Reads /proc of the program's processes; its threads are in it. */
export function gaugeOf({ process: { pid = 0 } }: Program): Gauge {
  const pids = tree(pid)
  return {
    cpuMicroseconds: () =>
      pids.reduce((sum, one) => {
        const fields = readFileSync(`/proc/${one}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
        return sum + (Number(fields[11]) + Number(fields[12])) * tickMicroseconds
      }, 0),
    residentBytes: () =>
      pids.reduce((sum, one) => {
        const pages = readFileSync(`/proc/${one}/statm`, 'utf8').split(' ')[1]
        return sum + Number(pages) * 4096
      }, 0),
  }
}
