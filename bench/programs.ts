// The programs of the bench, each a process of its own that ends with it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { forked, heard, keep, listening } from './children.ts'
import { wire } from './results.ts'

export interface Program {
  readonly name: string
  readonly port: number
  /** Where streams go, when that is another port. */
  readonly streamPort?: number
  readonly process: ChildProcess
  /** What it wants beside the headers of every request. */
  readonly headers: string
}

/** False for the direct call. */
export const isProxy = ({ name }: Program): boolean => name !== 'direct'

const here = import.meta.dirname
const buildMilliseconds = 120_000

export async function startStub(): Promise<Program> {
  return { name: 'direct', headers: '', ...(await forked('the stub', 'stub.ts')) }
}

export interface ProxyOptions {
  /** Connections to the upstream, default 1024. */
  readonly connections?: number
  /** Lets `collect` drop the garbage; default not. */
  readonly collectable?: boolean
}

const flags = ({ collectable }: ProxyOptions) => (collectable ? ['--expose-gc'] : [])

export async function startBare(upstream: number, options: ProxyOptions = {}): Promise<Program> {
  const name = 'node:http + undici'
  const args = [`${upstream}`, `${options.connections ?? 1024}`]
  return { name, headers: '', ...(await forked(name, 'proxies/bare.ts', args, flags(options))) }
}

/** Our own server and client, and nothing between them. */
export async function startWire(upstream: number): Promise<Program> {
  return { name: wire, headers: '', ...(await forked(wire, 'proxies/wire.ts', [`${upstream}`])) }
}

export interface GatewayPlace extends ProxyOptions {
  /** Empty, for the journal. */
  readonly folder: string
  readonly key: string
  /** Default `interval`. */
  readonly sync?: 'interval' | 'reply'
}

export async function startGateway(upstream: number, place: GatewayPlace): Promise<Program> {
  const { folder, key, sync = 'interval', connections = 1024 } = place
  const name = sync === 'interval' ? 'switchyard' : 'switchyard, fsync first'
  const args = [`${upstream}`, folder, key, sync, `${connections}`]
  const begun = await forked(name, 'proxies/gateway.ts', args, flags(place))
  return { name, headers: `authorization: Bearer ${key}\r\n`, ...begun }
}

function nginxBinary(): string {
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

export async function freePort(): Promise<number> {
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
  // One process, so that a kill leaves no worker behind.
  const args = ['-c', file, '-p', folder, '-g', 'master_process off;']
  const child = keep(spawn(binary, args, { stdio: ['ignore', 'ignore', 'inherit'] }))
  await listening('nginx', child, port)
  return { name: 'nginx', port, streamPort, process: child, headers: '' }
}

/** The words say why it is left out. */
export async function startReverse(upstream: number, folder: string): Promise<Program | string> {
  const path = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin']
  const compiler = path.map(part => join(part, 'go')).find(file => existsSync(file))
  if (compiler === undefined) return 'Go is not installed, so that its ReverseProxy is left out'
  const binary = join(folder, 'reverse')
  execFileSync(compiler, ['build', '-o', binary, join(here, 'proxies/reverse.go')], {
    stdio: 'inherit',
    timeout: buildMilliseconds,
    env: { ...process.env, GO111MODULE: 'off' },
  })
  const child = keep(
    spawn(binary, [`http://127.0.0.1:${upstream}`], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  if (!child.stdout) throw new TypeError('its output is a pipe')
  const [line] = (await heard('Go', child, once(child.stdout, 'data'))) as [Buffer] // one line, its port
  return { name: 'Go ReverseProxy', port: Number(line.toString()), process: child, headers: '' }
}

/** Installed by the first run, from its own lock file, so that nobody else has to download it. */
export async function startPortkey(upstream: number): Promise<Program> {
  const folder = join(here, 'portkey')
  if (!existsSync(join(folder, 'node_modules'))) {
    console.log('installing @portkey-ai/gateway 1.15.2 into bench/portkey …')
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: 'inherit',
      timeout: buildMilliseconds,
    })
  }
  const port = await freePort()
  const entry = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  const child = keep(
    spawn(process.execPath, [entry, `--port=${port}`, '--headless'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  )
  await listening('portkey', child, port)
  const headers =
    'authorization: Bearer sk-bench\r\nx-portkey-provider: openai\r\n' +
    `x-portkey-custom-host: http://localhost:${upstream}/v1\r\n`
  return { name: 'portkey', port, process: child, headers }
}
