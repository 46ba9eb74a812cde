// A Redis of the test's own, on a free port of the loopback, ended by its process id.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'

/** The server's binary, or undefined where neither Redis nor Valkey is installed. */
export const redisBinary = ['redis-server', 'valkey-server'].find(
  name => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
)

export const redisMissing =
  'skipped: neither redis-server nor valkey-server is installed; `apt-get install redis-server` brings one'

export interface RedisServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void
  /** Ends it at once, and starts an empty one in its place. */
  restart(): Promise<void>
  /** Ends it at once and waits for that. */
  kill(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new TypeError('the port of a socket is a number')
  return address.port
}

export async function startRedis(): Promise<RedisServer> {
  const port = await freePort()
  let child: ChildProcess
  const start = async () => {
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    child = spawn(redisBinary ?? '', options, { stdio: ['ignore', 'pipe', 'inherit'], cwd: tmpdir() })
    for await (const part of child.stdout ?? []) if (String(part).includes('Ready to accept')) break
  }
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: name => child.kill(name),
    async restart() {
      await kill()
      await start()
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
