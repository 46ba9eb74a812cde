// Versions; a server that does not answer is told, and is no failure.

import manifest from '../../package.json' with { type: 'json' }
import type { Cli } from '../cli.ts'
import { findTarget } from '../target/choose.ts'

/** Longest wait for the server, ms: asking for a version must not hang on a dead one. */
const patienceMs = 2000

interface Server {
  readonly url: string
  readonly version?: string
  readonly problem?: string
}

async function ask(cli: Cli): Promise<Server | undefined> {
  const target = await findTarget(cli.terminal, cli.flags)
  if (!target) return undefined
  const { createClient } = await import('@switchyard/client')
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(patienceMs)])
  await using client = createClient({ url: target.url, token: () => '', signal })
  try {
    return { url: target.url, ...(await client.version()) }
  } catch (error) {
    if (cli.terminal.signal.aborted) throw error
    return { url: target.url, problem: error instanceof Error ? error.message : String(error) }
  }
}

export async function version(cli: Cli): Promise<void> {
  const server = await ask(cli)
  const versions = { version: manifest.version, node: process.versions.node }
  if (cli.flags.output === 'json') {
    const { json } = await import('../output/formats.ts')
    cli.out(json({ ...versions, ...(server && { server }) }))
    return
  }
  cli.out(`switchyard ${versions.version}\nnode       ${versions.node}\n`)
  if (server?.version) cli.out(`server     ${server.version} (${server.url})\n`)
  else if (server) cli.note(`server     no answer: ${server.problem ?? server.url}`)
  else cli.note('server     none chosen: `switchyard up` starts one, `switchyard login` signs in to one')
}
