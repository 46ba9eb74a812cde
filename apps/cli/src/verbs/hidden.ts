// Asks for a secret on the terminal without showing what is typed.
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Fault } from '@switchyard/kinds'
import type { Terminal } from '../terminal.ts'

export function askHidden(
  { stdin, stderr }: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  stderr.write(question)
  // readline echoes into a stream that goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: stdin, output: nowhere, terminal: true })
  const cancelled = () => new Fault('cancelled', 'Cancelled.')
  const end = () => {
    reader.close()
    reject(cancelled())
  }
  signal.addEventListener('abort', end, { once: true })
  reader.once('SIGINT', end)
  reader.once('close', () => reject(cancelled()))
  reader.once('line', line => {
    resolve(line)
    reader.close()
  })
  return promise.finally(() => {
    signal.removeEventListener('abort', end)
    stderr.write('\n')
  })
}
