// What each caller may say to each upstream, and hear of it: every feature is written in the caller's dialect, read,
// written in the upstream's, read again, and compared; answers go the other way.

import type { ChatPort, Conversation, Delta, Part, Turn } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import { askedEffort } from '../src/effort.ts'
import { joined } from '../src/pieces.ts'
import { meaning } from './generate.ts'

const text = (value: string): Part => ({ type: 'text', text: value })
const user = (...parts: Part[]): Turn => ({ role: 'user', parts })
const assistant = (...parts: Part[]): Turn => ({ role: 'assistant', parts })
const call = (id: string, name = 'weather', args = '{"n":12345678901234567890,"x":1.0}'): Part => ({
  type: 'toolCall',
  id,
  name,
  args,
})
const result = (callId: string, parts: readonly Part[] = [text('sunny')], isError = false): Part => ({
  type: 'toolResult',
  callId,
  name: 'weather',
  parts,
  isError,
})
const results = (...parts: Part[]): Turn => ({ role: 'tool', parts })
const tools = [
  {
    name: 'weather',
    description: 'Tells the weather.',
    schema: '{"type":"object","properties":{"n":{"type":"integer"}}}',
  },
]
const png: Part = { type: 'image', source: { base64: 'iVBORw0KGgo=', mime: 'image/png' } }
const schema = '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}'
const hi = [user(text('hi'))]

type Asked = Partial<Conversation>

/** One thing that a caller may say. */
export const asks: readonly (readonly [string, Asked])[] = [
  ['text', { turns: hi }],
  ['system prompt', { turns: [{ role: 'system', parts: [text('be kind')] }, ...hi] }],
  ['several turns', { turns: [...hi, assistant(text('hello')), user(text('bye'))] }],
  [
    'a later system turn',
    {
      turns: [
        ...hi,
        assistant(text('hello')),
        { role: 'system', parts: [text('be short')] },
        user(text('bye')),
      ],
    },
  ],
  ['a stream', { turns: hi, stream: { on: true, usage: true } }],
  ['a limit of tokens', { turns: hi, maxOutput: 64 }],
  ['stop sequences', { turns: hi, stop: ['END', 'STOP'] }],
  ['temperature, top_p', { turns: hi, sampling: { temperature: 0.5, topP: 0.9 } }],
  ['top_k', { turns: hi, sampling: { topK: 20 } }],
  ['seed', { turns: hi, sampling: { seed: 7 } }],
  ['penalties', { turns: hi, sampling: { frequencyPenalty: 0.5, presencePenalty: 0.5 } }],
  ['logit_bias', { turns: hi, sampling: { logitBias: '{"50256":-100}' } }],
  ['logprobs', { turns: hi, logprobs: 2 }],
  ['two answers', { turns: hi, n: 2 }],
  ['tools', { turns: hi, tools }],
  ['a tool that must be called', { turns: hi, tools, toolChoice: 'required' }],
  ['a named tool', { turns: hi, tools, toolChoice: { name: 'weather' } }],
  ['tools that may not be called', { turns: hi, tools, toolChoice: 'none' }],
  ['one call at a time', { turns: hi, tools, parallelTools: false }],
  ['a call and its result', { turns: [...hi, assistant(call('a1')), results(result('a1'))], tools }],
  [
    'parallel calls',
    {
      turns: [
        ...hi,
        assistant(text('I look.'), call('a1'), call('a2')),
        results(result('a1'), result('a2')),
        user(text('so?')),
      ],
      tools,
    },
  ],
  [
    'a failed result',
    { turns: [...hi, assistant(call('a1')), results(result('a1', [text('no such city')], true))], tools },
  ],
  [
    'an image as result',
    { turns: [...hi, assistant(call('a1')), results(result('a1', [text('see'), png]))], tools },
  ],
  ['an image', { turns: [user(text('see'), png)] }],
  [
    'an image by address',
    { turns: [user(text('see'), { type: 'image', source: { url: 'https://a.example/x.png' } })] },
  ],
  [
    'a PDF',
    {
      turns: [
        user(text('read'), {
          type: 'document',
          source: { base64: 'JVBERi0=', mime: 'application/pdf' },
          name: 'a.pdf',
        }),
      ],
    },
  ],
  [
    'audio',
    {
      turns: [
        user(text('hear'), {
          type: 'audio',
          source: { base64: 'UklGRg==', mime: 'audio/wav' },
          format: 'wav',
        }),
      ],
    },
  ],
  ['JSON output', { turns: hi, output: { type: 'json' } }],
  ['output by schema', { turns: hi, output: { type: 'schema', name: 'answer', schema } }],
  ['reasoning effort', { turns: hi, reasoning: { effort: 'high' }, maxOutput: 30_000 }],
  ['reasoning off', { turns: hi, reasoning: { effort: 'none' } }],
  [
    'reasoning in the history',
    { turns: [...hi, assistant({ type: 'reasoning', text: 'hm' }, text('hello')), user(text('bye'))] },
  ],
  ['user', { turns: hi, user: 'u1' }],
]

/** One thing that an upstream may answer. */
export type Answered = readonly Delta[] | ((origin: string) => readonly Delta[])

export const answers: readonly (readonly [string, Answered])[] = [
  ['text', said('text', 'hello')],
  ['reasoning, then text', [...block(0, 'reasoning', 'hm'), ...block(1, 'text', 'hello'), finish('end')]],
  [
    'signed reasoning',
    origin => {
      const [open, ...rest] = block(0, 'reasoning', 'hm')
      const signature: Delta = { choice: 0, type: 'signature', block: 0, signature: 'c2lnbmVk', origin }
      return [
        ...(open ? [open] : []),
        ...rest.slice(0, -1),
        signature,
        closed(0),
        ...block(1, 'text', 'hello'),
        finish('end'),
      ]
    },
  ],
  ['logprobs', scored(false)],
  ['logprobs with alternatives', scored(true)],
  ['citations', cited(6, 13)],
  ['citations of a whole text', cited(0, 13)],
  [
    'an image that the model has made',
    [
      ...block(0, 'text', 'see'),
      { choice: 0, type: 'media', block: 1, base64: 'iVBORw0KGgo=', mime: 'image/png' },
      finish('end'),
    ],
  ],
  ['a call', [...tool(0, 'a1'), finish('tool')]],
  [
    'parallel calls, interleaved',
    [
      opened(0, 'a1'),
      opened(1, 'a2'),
      args(0, '{"n":'),
      args(1, '{"x":1.0}'),
      args(0, '12345678901234567890}'),
      closed(0),
      closed(1),
      finish('tool'),
    ],
  ],
  ['a call without arguments', [...tool(0, 'a1', ''), finish('tool')]],
  ['a call with broken arguments', [...tool(0, 'a1', '{"n":'), finish('tool')]],
  ['a refusal', [...block(0, 'refusal', 'no'), finish('refusal')]],
  [
    'ended by a stop sequence',
    [...block(0, 'text', 'a'), { choice: 0, type: 'finish', stop: 'sequence', sequence: 'END' }],
  ],
  ['cut by the limit', said('text', 'hello', 'length')],
  ['filtered', said('text', 'hello', 'filter')],
  ['paused', said('text', 'hello', 'pause')],
  [
    'usage',
    [
      ...said('text', 'hello'),
      {
        choice: 0,
        type: 'usage',
        usage: { quantities: { 'tok.in.uncached': 5n, 'tok.out.text': 2n }, source: 'provider', flags: [] },
      },
    ],
  ],
  [
    'usage with cache and reasoning',
    [
      ...said('text', 'hello'),
      {
        choice: 0,
        type: 'usage',
        usage: {
          quantities: {
            'tok.in.cache_read': 3n,
            'tok.in.uncached': 5n,
            'tok.out.reasoning': 4n,
            'tok.out.text': 2n,
          },
          source: 'provider',
          flags: [],
        },
      },
    ],
  ],
]

function block(index: number, kind: 'text' | 'reasoning' | 'refusal', value: string): Delta[] {
  const type = kind === 'reasoning' ? kind : 'text'
  return [
    { choice: 0, type: 'open', block: index, kind },
    { choice: 0, type, block: index, text: value },
    closed(index),
  ]
}
function said(kind: 'text', value: string, stop: 'end' | 'length' | 'filter' | 'pause' = 'end'): Delta[] {
  return [...block(0, kind, value), finish(stop)]
}
function cited(start: number, end: number): Delta[] {
  return [
    ...block(0, 'text', 'héllo 😀 there').slice(0, -1),
    {
      choice: 0,
      type: 'annotation',
      block: 0,
      citation: { url: 'https://a.example/', title: 'A', start, end },
    },
    closed(0),
    finish('end'),
  ]
}
function scored(alternatives: boolean): Delta[] {
  const tokens = ['hel', 'lo'].map((token, at) => ({
    token,
    logprob: -0.25 * (at + 1),
    top: alternatives
      ? [
          { token, logprob: -0.25 * (at + 1) },
          { token: 'x', logprob: -9.5 },
        ]
      : [],
  }))
  const [open, text, ...rest] = block(0, 'text', 'hello')
  return open && text
    ? [open, text, { choice: 0, type: 'logprobs', block: 0, tokens }, ...rest, finish('end')]
    : []
}
function finish(stop: Extract<Delta, { type: 'finish' }>['stop']): Delta {
  return { choice: 0, type: 'finish', stop }
}
function opened(index: number, id: string): Delta {
  return { choice: 0, type: 'open', block: index, kind: 'tool', id, name: 'weather' }
}
function args(index: number, json: string): Delta {
  return { choice: 0, type: 'args', block: index, json }
}
function closed(index: number): Delta {
  return { choice: 0, type: 'close', block: index }
}
function tool(index: number, id: string, json = '{"n":12345678901234567890,"x":1.0}'): Delta[] {
  return [opened(index, id), args(index, json), closed(index)]
}

/** What becomes of one feature between two dialects. */
export type Verdict =
  | { readonly kind: 'exact' }
  /** The caller's dialect has no way to say it. */
  | { readonly kind: 'unsaid' }
  /** Names that the warning header lists, and what else differs. */
  | { readonly kind: 'lossy'; readonly named: readonly string[]; readonly changed: readonly string[] }
  | { readonly kind: 'refused'; readonly param: string }

const options = { model: 'm', strict: false, maxOutput: 4096 }
const about = { id: 'id1', model: 'm', created: 1_700_000_000, usage: true }

/** The request line that belongs to a body: Gemini says model and streaming there. */
function heard(port: ChatPort, body: Buffer, ask: Conversation): Conversation {
  return port.readAsk(body, port.name === 'gemini' ? { model: 'm', stream: ask.stream.on } : {})
}

export function judgeAsk(caller: ChatPort, upstream: ChatPort, asked: Asked): Verdict {
  const ask: Conversation = {
    dialect: caller.name,
    model: 'm',
    turns: [],
    tools: [],
    stop: [],
    sampling: {},
    stream: { on: false, usage: false },
    rest: {},
    ...asked,
  }
  const sent = attempt(() => caller.writeAsk(ask, options))
  if (sent instanceof Fault || sent.dropped.length > 0 || sent.clamped.length > 0) return { kind: 'unsaid' }
  const said = heard(caller, joined(sent.value.body), ask)
  if (differences(ask, said, Object.keys(asked)).length > 0 && !sameWords(ask, said))
    return { kind: 'unsaid' }
  const written = attempt(() => upstream.writeAsk(said, options))
  if (written instanceof Fault) return { kind: 'refused', param: written.details[0]?.path ?? written.reason }
  const named = [...written.dropped, ...written.clamped.map(name => `${name} (clamped)`)]
  // A limit that nobody asked for is sent where the dialect demands one: docs/dialects.md says so once for all.
  const changed = differences(said, heard(upstream, joined(written.value.body), said)).filter(
    name => name !== 'maxOutput' || said.maxOutput !== undefined,
  )
  return named.length + changed.length === 0 ? { kind: 'exact' } : { kind: 'lossy', named, changed }
}

/** The words that were said are all there, whatever else has changed. */
function sameWords(one: Conversation, other: Conversation): boolean {
  const kinds = ({ turns }: Conversation) =>
    turns
      .flatMap(turn =>
        turn.parts.flatMap(part => [
          part.type,
          ...(part.type === 'toolResult' ? part.parts.map(({ type }) => type) : []),
        ]),
      )
      .sort()
  const rest = (ask: Conversation) => Object.keys(ask)
  return String(kinds(one)) === String(kinds(other)) && rest(one).every(name => rest(other).includes(name))
}

function attempt<T>(run: () => T): T | Fault {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault && error.code === 'invalid') return error
    throw error
  }
}

/** Members of a conversation that say something else. */
function differences(one: Conversation, other: Conversation, only?: readonly string[]): readonly string[] {
  const [a, b] = [sense(one), sense(other)]
  return Object.keys({ ...a, ...b })
    .filter(name => (only?.includes(name) ?? true) && JSON.stringify(a[name]) !== JSON.stringify(b[name]))
    .sort()
}

/** What a conversation says, in a form in which the same is equal. */
function sense(ask: Conversation): Record<string, unknown> {
  const {
    turns,
    tools,
    output,
    sampling,
    stream,
    reasoning,
    parallelTools,
    stop,
    maxOutput,
    n,
    logprobs,
    user: who,
    toolChoice,
  } = ask
  const ids = new Map<string, string>()
  const order = (id: string) => ids.get(id) ?? (ids.set(id, `#${ids.size}`).get(id) as string) // set just before
  return {
    turns: merged(turns, order),
    tools: tools.map(({ name, description, schema: of }) => ({ name, description, schema: of && plain(of) })),
    toolChoice: tools.length > 0 && toolChoice !== 'auto' ? toolChoice : undefined,
    parallelTools: parallelTools === false ? false : undefined,
    output: output?.type === 'schema' ? { type: 'schema', schema: plain(output.schema) } : output?.type,
    sampling: sorted(sampling),
    stream: stream.on,
    reasoning: askedEffort(reasoning),
    stop,
    maxOutput,
    n: n === 1 ? undefined : n,
    logprobs,
    user: who,
  }
}

const sorted = (members: object) =>
  Object.entries(members)
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort()

const plain = (json: string) => json.replace(/\s/g, '')

function merged(turns: readonly Turn[], order: (id: string) => string): readonly unknown[] {
  const out: { role: string; parts: unknown[] }[] = []
  for (const { role, parts } of turns) {
    const last = out.at(-1)
    const spoken = parts.map(part => partSense(part, order))
    if (last?.role === role) last.parts.push(...spoken)
    else out.push({ role, parts: spoken })
  }
  return out
}

function partSense(part: Part, order: (id: string) => string): unknown {
  if (part.type === 'toolCall') return ['call', order(part.id), part.name, plain(part.args)]
  if (part.type === 'toolResult')
    return ['result', order(part.callId), part.isError, part.parts.map(inner => partSense(inner, order))]
  if (part.type === 'reasoning') return ['reasoning', part.text]
  if (part.type === 'text' || part.type === 'refusal') return [part.type, part.text]
  return [part.type, part.source]
}

/** An upstream's answer, plain and streamed, as the caller reads it. */
export function judgeAnswer(caller: ChatPort, upstream: ChatPort, answered: Answered): Verdict {
  const deltas = typeof answered === 'function' ? answered(upstream.name) : answered
  const whole: Delta[] = [
    { choice: 0, type: 'start', id: 'id1', model: 'm', created: about.created },
    ...deltas,
    { choice: 0, type: 'end' },
  ]
  const changed = new Set<string>()
  for (const way of [streamed, replied]) {
    const said = attempt(() => way(upstream, whole))
    if (
      said instanceof Fault ||
      answerDifferences(whole, said).some(name => name !== 'usage' && name !== 'stop')
    )
      return { kind: 'unsaid' }
    const heardBy = attempt(() => way(caller, said))
    if (heardBy instanceof Fault) return { kind: 'refused', param: heardBy.reason }
    if (meaning(heardBy).ended === 'fault') return { kind: 'refused', param: 'error' }
    for (const name of answerDifferences(said, heardBy)) changed.add(name)
  }
  return changed.size === 0 ? { kind: 'exact' } : { kind: 'lossy', named: [], changed: [...changed].sort() }
}

function streamed(port: ChatPort, deltas: readonly Delta[]): readonly Delta[] {
  const encoder = port.encoder(about)
  const body = Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? []))
  const decoder = port.decoder()
  return [...decoder.push(body), ...decoder.finish()]
}

function replied(port: ChatPort, deltas: readonly Delta[]): readonly Delta[] {
  return port.readReply(port.writeReply(deltas, about)) ?? [{ choice: 0, type: 'fault', status: 502 }]
}

function answerDifferences(one: readonly Delta[], other: readonly Delta[]): readonly string[] {
  const [a, b] = [answerSense(one), answerSense(other)]
  // Counts that nobody has made are 0 in dialects that demand counts.
  return Object.keys(a).filter(name => a[name] !== b[name] && !(name === 'usage' && a.usage === ''))
}

function answerSense(deltas: readonly Delta[]): Record<string, string> {
  const { choices, usage, ended } = meaning(deltas)
  const blocks = choices[0]?.said ?? []
  const of = (kind: string) =>
    JSON.stringify(blocks.flatMap(found => (found.kind === kind ? [found.text] : [])))
  const finish = deltas.find(delta => delta.type === 'finish')
  return {
    text: of('text'),
    reasoning: of('reasoning'),
    refusal: of('refusal'),
    signatures: JSON.stringify(blocks.map(found => found.signature)),
    calls: plain(
      JSON.stringify(
        blocks.flatMap(found =>
          found.kind === 'tool' ? [[found.name, String(found.text).trim() || '{}']] : [],
        ),
      ),
    ),
    logprobs: JSON.stringify(choices[0]?.scores),
    citations: JSON.stringify(choices[0]?.citations),
    media: of('media'),
    stop: JSON.stringify([finish?.stop, finish?.type === 'finish' && finish.sequence]),
    usage: String(sorted(usage ?? {})),
    ended: ended ?? '',
  }
}
