// Our own HTTP/1.1 server beside node's: CPU of an echo for each request, and memory of connections at rest. Both
// answer through the same seam, in one interleaved run. `node bench/server.ts [--idle]`.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Order, Taken } from './load.ts'

const rounds = 9
const roundMilliseconds = 1000
/** Less than the 20 000 files that a process may commonly open. */
const idleConnections = 19_000
const names = ["node's", 'ours'] as const

interface Gauge {
  /** Microseconds. */
  readonly cpu: number
  readonly rss: number
}

interface Program {
  readonly process: ChildProcess
  readonly port: number
}

async function start(name: string): Promise<Program> {
  const options = { execArgv: ['--expose-gc'] }
  const process = fork(join(import.meta.dirname, 'proxies/echo.ts'), [name], options)
  const [port] = (await once(process, 'message')) as [number] // what it sends first
  return { process, port }
}

async function ask<T>(process: ChildProcess, question: object): Promise<T> {
  process.send(question)
  const [answer] = (await once(process, 'message')) as [T] // each question has one answer
  return answer
}

/** What an official client sends. */
function request(path: string): string {
  const body = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'x'.repeat(940) }] })
  return (
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:4000\r\nconnection: keep-alive\r\naccept: application/json\r\n` +
    'content-type: application/json\r\nuser-agent: OpenAI/JS 6.49.0\r\nx-stainless-retry-count: 0\r\n' +
    'x-stainless-timeout: 600\r\nx-stainless-lang: js\r\nx-stainless-package-version: 6.49.0\r\n' +
    'x-stainless-os: Linux\r\nx-stainless-arch: x64\r\nx-stainless-runtime: node\r\n' +
    'x-stainless-runtime-version: v26.10.0\r\nauthorization: Bearer sk-sy-0123456789abcdef0123456789abcdef\r\n' +
    'accept-language: *\r\nsec-fetch-mode: cors\r\naccept-encoding: gzip, deflate\r\n' +
    `content-length: ${body.length}\r\n\r\n${body}`
  )
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0

async function compare(title: string, path: string, connections: number): Promise<void> {
  const load = fork(join(import.meta.dirname, 'load.ts'))
  const programs = await Promise.all(names.map(start))
  const costs: number[][] = names.map(() => [])
  for (let round = -2; round < rounds; round++)
    for (const [i, { process, port }] of programs.entries()) {
      const before = await ask<Gauge>(process, {})
      const milliseconds = roundMilliseconds
      const order: Order = { port, request: request(path), connections, milliseconds }
      const { answers, errors } = await ask<Taken>(load, order)
      if (errors > 0) throw new Error(`${errors} answers of ${names[i]} were no good`)
      const after = await ask<Gauge>(process, {})
      if (round >= 0) costs[i]?.push((after.cpu - before.cpu) / answers)
    }
  const [nodes = [], ours = []] = costs
  const ratios = ours.map((cost, i) => cost / (nodes[i] ?? 0))
  console.log(
    `${title.padEnd(34)} ${median(nodes).toFixed(1).padStart(7)} ${median(ours).toFixed(1).padStart(7)}` +
      ` ${median(ratios).toFixed(2).padStart(6)}`,
  )
  for (const { process } of programs) process.kill()
  load.kill()
}

async function idle(): Promise<void> {
  for (const name of names) {
    const { process, port } = await start(name)
    const before = await ask<Gauge>(process, {})
    const bytes = request('/v1/echo')
    const sockets: Socket[] = []
    while (sockets.length < idleConnections) {
      const batch = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').setNoDelay(true))
      for (const socket of batch) socket.write(bytes)
      await Promise.all(batch.map(socket => once(socket, 'data')))
      sockets.push(...batch)
    }
    const after = await ask<Gauge>(process, {})
    const each = (after.rss - before.rss) / idleConnections / 1024
    console.log(`${idleConnections} connections after one answer, ${name}: ${each.toFixed(1)} KiB each`)
    for (const socket of sockets) socket.destroy()
    process.kill()
  }
}

if (process.argv.includes('--idle')) await idle()
else {
  console.log(`${'µs of CPU a request'.padEnd(34)}  node's    ours  ratio`)
  await compare('1 KB JSON, 16 connections', '/v1/echo', 16)
  await compare('1 KB JSON, 1 connection', '/v1/echo', 1)
  await compare('stream of 50, at once, 16', '/v1/stream', 16)
  await compare('stream of 50, one by one, 16', '/v1/paced', 16)
}
