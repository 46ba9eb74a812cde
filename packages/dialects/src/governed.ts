// The members of a body that govern, by the way in which callers speak: these alone are looked at before a body passes.
import type { CallerName } from './exchange.ts'
import { Names } from './scan.ts'

/** The names that govern in one object. */
export interface Rules {
  readonly list: readonly string[]
  readonly names: Names
  /** What stands before a name in messages: '' at the top. */
  readonly path: string
}

/** Members are named by their index in `list`; -1 where there is none. */
export interface Governed extends Rules {
  /** Without a word about it the answer is a stream. */
  readonly streams: boolean
  readonly model: number
  readonly stream: number
  readonly streamOptions: number
  /** Limits of the output, the one that counts first. */
  readonly limits: readonly number[]
  readonly n: number
  readonly user: number
  /** What says which responses are kept, where the dialect has words for it. */
  readonly keeping: Indexes | undefined
  /** Where limits stand one level down. */
  readonly inside: Inside | undefined
}

interface Indexes {
  readonly previous: number
  readonly store: number
  readonly background: number
}

type Inside = Rules & Pick<Governed, 'limits' | 'n'> & { readonly outer: number }

interface Written {
  readonly model?: string
  readonly stream?: string
  readonly streamOptions?: string
  readonly limits?: readonly string[]
  readonly n?: string
  readonly user?: string
  readonly streams?: boolean
  readonly keeping?: { readonly previous: string; readonly store: string; readonly background: string }
  readonly inside?: { readonly outer: string; readonly limits: readonly string[]; readonly n?: string }
}

function rules(written: Written): Governed {
  const { model, stream, streamOptions, limits = [], n, user, streams = false, keeping, inside } = written
  const keeps = keeping ? Object.values(keeping) : []
  const list = [model, stream, streamOptions, ...limits, n, user, ...keeps, inside?.outer].filter(
    name => name !== undefined,
  )
  const index = (name: string | undefined) => (name === undefined ? -1 : list.indexOf(name))
  return {
    list,
    names: new Names(list),
    path: '',
    streams,
    model: index(model),
    stream: index(stream),
    streamOptions: index(streamOptions),
    limits: limits.map(index),
    n: index(n),
    user: index(user),
    keeping: keeping && {
      previous: index(keeping.previous),
      store: index(keeping.store),
      background: index(keeping.background),
    },
    inside: inside && insideOf(inside, index(inside.outer)),
  }
}

function insideOf({ outer, limits, n }: NonNullable<Written['inside']>, index: number): Inside {
  const list = n === undefined ? limits : [...limits, n]
  return {
    list,
    names: new Names(list),
    path: `${outer}.`,
    limits: limits.map((_, at) => at),
    n: n === undefined ? -1 : limits.length,
    outer: index,
  }
}

const openai = rules({
  model: 'model',
  stream: 'stream',
  streamOptions: 'stream_options',
  limits: ['max_completion_tokens', 'max_tokens'],
  n: 'n',
  user: 'user',
})
const responses = rules({
  model: 'model',
  stream: 'stream',
  limits: ['max_output_tokens'],
  user: 'user',
  keeping: { previous: 'previous_response_id', store: 'store', background: 'background' },
})
const anthropic = rules({ model: 'model', stream: 'stream', limits: ['max_tokens'] })
const gemini = rules({
  model: 'model',
  inside: { outer: 'generationConfig', limits: ['maxOutputTokens'], n: 'candidateCount' },
})
const ollama = rules({
  model: 'model',
  stream: 'stream',
  streams: true,
  inside: { outer: 'options', limits: ['num_predict'] },
})

export const governed: Readonly<Record<CallerName, Governed>> = {
  openai,
  responses,
  anthropic,
  gemini,
  geminiArray: gemini,
  ollama,
  ollamaGenerate: ollama,
}
