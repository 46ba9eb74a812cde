// The command line, in llama-server's own words, so that one record of arguments starts either of them.

export interface Flags {
  /** GGUF file. */
  readonly model: string
  readonly host: string
  /** 0 takes a free port and prints it. */
  readonly port: number
  /** Name that the API reports; the file's name when absent. */
  readonly alias: string | undefined
  /** Tokens of context in all, shared evenly by the slots; 0 is what the model was trained with. */
  readonly ctxSize: number
  /** Sequences that run at once. */
  readonly parallel: number
  /** CPU threads; undefined is the physical cores less one, at least one. */
  readonly threads: number | undefined
  /** Most tokens in one decode step. */
  readonly batchSize: number
  readonly metrics: boolean
  readonly embeddings: boolean
  readonly slots: boolean
  /**
   * Whether callers may send GBNF grammars. Only for callers that you trust: all slots keep step with the
   * slowest, and 400 optional letters took seconds per token. JSON schemas are always taken; they stay cheap.
   */
  readonly grammars: boolean
  /** Requests that may wait for a slot; 0 refuses whatever cannot start at once. */
  readonly queue: number
  /** Seconds that running requests get after SIGTERM; 0 ends them at once. */
  readonly grace: number
}

/** The command line cannot be understood; the message says which flag and what it wants. */
export class BadFlag extends Error {}

interface Row {
  readonly names: readonly string[]
  /** A number is checked against [least, most]; a switch takes no value and means `on`. */
  readonly value: 'text' | { readonly least: number; readonly most: number } | { readonly on: boolean }
}

const rows = {
  model: { names: ['--model', '-m'], value: 'text' },
  host: { names: ['--host'], value: 'text' },
  port: { names: ['--port'], value: { least: 0, most: 65_535 } },
  alias: { names: ['--alias', '-a'], value: 'text' },
  ctxSize: { names: ['--ctx-size', '-c'], value: { least: 0, most: 2 ** 31 } },
  parallel: { names: ['--parallel', '-np'], value: { least: 1, most: 256 } },
  threads: { names: ['--threads', '-t'], value: { least: -1, most: 1024 } },
  batchSize: { names: ['--batch-size', '-b'], value: { least: 32, most: 16_384 } },
  metrics: { names: ['--metrics'], value: { on: true } },
  embeddings: { names: ['--embeddings', '--embedding'], value: { on: true } },
  noEmbeddings: { names: ['--no-embeddings'], value: { on: false } },
  slots: { names: ['--slots'], value: { on: true } },
  noSlots: { names: ['--no-slots'], value: { on: false } },
  grammars: { names: ['--grammars'], value: { on: true } },
  queue: { names: ['--queue'], value: { least: 0, most: 1_000_000 } },
  grace: { names: ['--grace'], value: { least: 0, most: 86_400 } },
} as const satisfies Record<string, Row>

type Name = keyof typeof rows

const byFlag: ReadonlyMap<string, readonly [Name, Row]> = new Map(
  Object.entries(rows).flatMap(([name, row]: [string, Row]) =>
    // Object.entries widens the keys of `rows`.
    row.names.map(flag => [flag, [name as Name, row] as const] as const),
  ),
)

/** Throws BadFlag. The last of a repeated flag counts. */
export function parseFlags(argv: readonly string[]): Flags {
  const given = new Map<Name, string | number | boolean>()
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    const flag = equals < 0 ? word : word.slice(0, equals)
    const found = byFlag.get(flag)
    if (!found) throw new BadFlag(`unknown argument ${JSON.stringify(word)}; known are ${known()}`)
    const [name, row] = found
    if (typeof row.value === 'object' && 'on' in row.value) {
      if (equals >= 0) throw new BadFlag(`${flag} takes no value`)
      given.set(name, row.value.on)
      continue
    }
    const text = equals < 0 ? argv[++at] : word.slice(equals + 1)
    if (text === undefined || text === '') throw new BadFlag(`${flag} needs a value`)
    given.set(name, row.value === 'text' ? text : number(flag, text, row.value))
  }
  const text = (name: Name) => given.get(name)?.toString()
  const count = (name: Name, otherwise: number) => Number(given.get(name) ?? otherwise)
  const model = text('model')
  if (model === undefined) throw new BadFlag('--model FILE is required: the GGUF file to serve')
  const threads = count('threads', -1)
  return Object.freeze({
    model,
    host: text('host') ?? '127.0.0.1',
    port: count('port', 8080),
    alias: text('alias'),
    ctxSize: count('ctxSize', 0),
    parallel: count('parallel', 1),
    threads: threads < 1 ? undefined : threads,
    batchSize: count('batchSize', 512),
    metrics: given.has('metrics'),
    // The flag is llama-server's; here embeddings are served beside chats unless they are turned off.
    embeddings: !given.has('noEmbeddings'),
    slots: !given.has('noSlots'),
    grammars: given.has('grammars'),
    queue: count('queue', 64),
    grace: count('grace', 30),
  })
}

function number(flag: string, text: string, { least, most }: { least: number; most: number }): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    throw new BadFlag(
      `${flag} wants a whole number from ${least} to ${most}, and got ${JSON.stringify(text)}`,
    )
  return value
}

const known = () => [...byFlag.keys()].filter(flag => flag.startsWith('--')).join(' ')
