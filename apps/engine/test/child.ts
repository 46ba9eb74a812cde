// Starts the real engine in a process of its own, over a model that was just made.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { enginePath } from '@switchyard/engine'
import OpenAI, { APIError } from 'openai'
import { type RandomShape, randomModel } from '../../../models/tiny/gguf.ts'

/** Goes on until it is stopped: no control token fits the grammar. */
export const endless = 'root ::= [a-z] root'
export const endlessly = { grammar: endless }

export function modelFile(
  shape: RandomShape = {},
): Disposable & { readonly path: string; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-engine-'))
  const path = join(folder, 'random.gguf')
  writeFileSync(path, randomModel(7, shape))
  return { path, folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

export interface Child extends AsyncDisposable {
  readonly process: ChildProcess
  readonly url: string
  readonly client: OpenAI
  readonly exit: Promise<{ readonly code: number | null; readonly stderr: string }>
  readonly metric: (name: string) => Promise<number>
  readonly post: (path: string, body: unknown, signal?: AbortSignal) => Promise<Response>
}

export function run(args: readonly string[]) {
  const child = spawn(process.execPath, [enginePath, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString()
  })
  const exit = once(child, 'close').then(([code]: unknown[]) => ({
    code: typeof code === 'number' ? code : null,
    stderr,
  }))
  return { child, exit }
}

/** Resolves as soon as it listens; `ready` waits for the model. */
export async function listening(args: readonly string[]): Promise<Child> {
  const { child, exit } = run(['--port', '0', ...args])
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout.on('data', (piece: Buffer) => {
      said += piece.toString()
      const found = /listening on (\S+),/.exec(said)?.[1]
      if (found) resolve(found)
    })
    void exit.then(({ stderr }) => reject(new Error(`the engine ended: ${stderr}`)))
  })
  return {
    process: child,
    url,
    exit,
    client: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }),
    metric: async name => {
      const text = await (await fetch(`${url}/metrics`)).text()
      return Number(new RegExp(`^llamacpp:${name} (.*)$`, 'm').exec(text)?.[1])
    },
    post: (path, body, signal) =>
      fetch(url + path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...(signal && { signal }),
      }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exit
    },
  }
}

export async function start(args: readonly string[]): Promise<Child> {
  const child = await listening(args)
  await until(async () => (await fetch(`${child.url}/health`)).ok)
  return child
}

export async function until(seen: () => Promise<boolean>): Promise<void> {
  while (!(await seen())) await new Promise(resolve => setTimeout(resolve, 5))
}

/** The refusal that the client throws; fails when there is none. */
export async function refusal(attempt: Promise<unknown>): Promise<APIError> {
  const fault: unknown = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(fault instanceof APIError)) throw new Error(`expected a refusal, and got ${String(fault)}`)
  return fault
}
