// The thread of digest.ts: reads a file by 4 MiB and hashes it.
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { parentPort, workerData } from 'node:worker_threads'

export type DigestMessage = { readonly bytes: number } | { readonly sha256: string }

const say = (message: DigestMessage) => parentPort?.postMessage(message)
// Given by digest.ts alone.
const { path } = workerData as { readonly path: string }
const chunk = Buffer.allocUnsafe(4 << 20)
const hash = createHash('sha256')
await using file = await open(path)
let bytes = 0
let saidAt = 0
for (;;) {
  const { bytesRead } = await file.read(chunk, 0, chunk.length, bytes)
  if (bytesRead === 0) break
  hash.update(chunk.subarray(0, bytesRead))
  bytes += bytesRead
  if (performance.now() - saidAt > 100) {
    saidAt = performance.now()
    say({ bytes })
  }
}
say({ sha256: hash.digest('hex') })
