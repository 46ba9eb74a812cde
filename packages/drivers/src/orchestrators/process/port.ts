// Free loopback ports: one is tried by binding it, so that a stranger's is passed over.
import { createServer } from 'node:net'
import type { Random } from '@switchyard/runtime'

/** A free port that `taken` does not hold; undefined when a hundred tries found none. */
export async function freePort(
  { from, to }: { readonly from: number; readonly to: number },
  taken: ReadonlySet<number>,
  random: Random,
): Promise<number | undefined> {
  const count = to - from + 1
  const start = Math.floor(random.fraction() * count)
  for (let tried = 0; tried < Math.min(100, count); tried++) {
    const port = from + ((start + tried) % count)
    if (!taken.has(port) && (await binds(port))) return port
  }
  return undefined
}

function binds(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
