// A root key that never leaves a key service: a program is asked to wrap and to unwrap, with the bytes on its stdin and the
// answer on its stdout. It is started as it is named, by no shell.
import { spawn } from 'node:child_process'
import { Fault } from '@switchyard/kinds'
import { type RootKey, Sealed } from '@switchyard/runtime'

export interface CommandOptions {
  /** The program and its arguments; `wrap ID` or `unwrap ID` comes behind them. */
  readonly argv: readonly string[]
  /** All that it sees of the environment. */
  readonly environment: Readonly<Record<string, string>>
  /** How long one call may take. */
  readonly timeoutSeconds: number
}

/** One at a time: there is one key service. */
const id = 'kms'
const mostBytes = 65_536
const mostWords = 2000
const keyBytes = 32

export function commandRootKey(options: CommandOptions): RootKey {
  return {
    id,
    async wrap(key, name) {
      const wrapped = await run(options, 'wrap', name, key.reveal())
      if (wrapped.length === 0) throw failed('wrap', 'it answered with nothing on its stdout')
      if (wrapped.includes(Buffer.from(key.reveal())))
        throw failed('wrap', 'what it answered holds the key in clear')
      return wrapped
    },
    async unwrap(wrapped, name) {
      const key = await run(options, 'unwrap', name, wrapped)
      if (key.length !== keyBytes)
        throw failed('unwrap', `it answered with ${key.length} bytes where a key of ${keyBytes} was wrapped`)
      return new Sealed(Uint8Array.from(key))
    },
  }
}

type Verb = 'wrap' | 'unwrap'

/** Its own words may hold anything: they are the cause, for the log, and no part of the message. */
function failed(verb: Verb, how: string, words = ''): Fault {
  return new Fault('unavailable', `The command of SWITCHYARD_KMS_COMMAND could not ${verb} a key: ${how}.`, {
    reason: 'key_service',
    ...(words !== '' && { cause: new Error(words) }),
  })
}

function run(
  { argv, environment, timeoutSeconds }: CommandOptions,
  verb: Verb,
  name: string,
  input: Uint8Array,
): Promise<Buffer> {
  const [program = '', ...given] = argv
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const child = spawn(program, [...given, verb, name], {
    env: environment,
    stdio: 'pipe',
    // A group of its own: what it starts ends with it.
    detached: true,
  })
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // it has ended by itself
    }
  }
  const answer: Buffer[] = []
  let bytes = 0
  let words = ''
  const give = (fault: Fault) => {
    end()
    reject(fault)
  }
  const late = setTimeout(
    () => give(failed(verb, `it took longer than ${timeoutSeconds} seconds`, words)),
    timeoutSeconds * 1000,
  )
  child.once('error', error => {
    const { code } = error as NodeJS.ErrnoException // spawn throws nothing else
    const how =
      code === 'ENOENT'
        ? 'there is no such program'
        : code === 'EACCES'
          ? 'it may not be run'
          : 'it could not be started'
    give(failed(verb, how, error.message))
  })
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > mostBytes) give(failed(verb, `it answered with more than ${mostBytes} bytes`))
    else answer.push(chunk)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    words = (words + chunk).slice(-mostWords)
  })
  // One that does not read what it is given says why by its status.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  child.once('close', (code, signal) => {
    if (code === 0) resolve(Buffer.concat(answer))
    else give(failed(verb, code === null ? `${signal} ended it` : `it ended with status ${code}`, words))
  })
  return promise.finally(() => clearTimeout(late))
}
