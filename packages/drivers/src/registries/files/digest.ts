// SHA-256 of a file in a thread of its own: a model of 40 GB must not hold up the loop that serves.
import { Worker } from 'node:worker_threads'
import { Fault } from '@switchyard/kinds'
import type { DigestMessage } from './digest-worker.ts'

/** Lower-case hex. `progress` hears bytes read, at most ten times a second. */
export function digestOf(
  path: string,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./digest-worker.ts', import.meta.url), {
      workerData: { path },
      execArgv: [],
    })
    const abort = () => settle(() => reject(new Fault('cancelled', 'The digest was not finished.')))
    const settle = (answer: () => void) => {
      signal.removeEventListener('abort', abort)
      void worker.terminate()
      answer()
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    worker.on('message', (message: DigestMessage) => {
      if ('sha256' in message) settle(() => resolve(message.sha256))
      else progress(message.bytes)
    })
    worker.on('error', error => settle(() => reject(error)))
    worker.on('exit', code =>
      settle(() => reject(new Error(`the digest of ${path} ended early with ${code}`))),
    )
  })
}
