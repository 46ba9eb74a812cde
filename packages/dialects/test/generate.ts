// Arbitrary conversations and answers, legal in the canonical form, and what of them means the same.
import type {
  Citation,
  Conversation,
  Delta,
  Part,
  Quantities,
  Stop,
  TokenLogprob,
  Turn,
} from '@switchyard/dialects'
import fc from 'fast-check'

export const word = fc.stringMatching(/^[a-z]{1,8}$/)
export const said = fc.oneof(word, fc.constantFrom('é漢😀', 'a\nb\r\n', '"\\', ' x ', '\u2028'))
export const rawObject = fc.constantFrom(
  '{}',
  '{"n":12345678901234567890,"x":1.0}',
  '{ "a" : [1e400, "é\\u0000\\n"], "__proto__": {"b": null} }',
)

const textPart = said.map((text): Part => ({ type: 'text', text }))
const image = fc.record({
  type: fc.constant('image' as const),
  source: fc.constantFrom(
    { base64: 'iVBORw0KGgo=', mime: 'image/png' },
    { base64: '/9j/4AA=', mime: 'image/jpeg' },
  ),
})

/** One exchange: what a user says, calls with their results, and an answer. */
function exchange(index: number) {
  const calls = fc.array(
    fc.record({ name: word, args: rawObject, result: said, isError: fc.constant(false) }),
    { maxLength: 3 },
  )
  return fc
    .record({
      user: fc.array(fc.oneof(textPart, image), { minLength: 1, maxLength: 3 }),
      reasoning: fc.option(said, { nil: undefined }),
      before: fc.option(said, { nil: undefined }),
      calls,
      answer: said,
    })
    .map(({ user, reasoning, before, calls, answer }): Turn[] => {
      const id = (at: number) => `call_${index}_${at}`
      const asked: Part[] = [
        ...(reasoning === undefined ? [] : [{ type: 'reasoning' as const, text: reasoning }]),
        ...(before === undefined ? [] : [{ type: 'text' as const, text: before }]),
        ...calls.map(({ name, args }, at) => ({ type: 'toolCall' as const, id: id(at), name, args })),
      ]
      const results: Turn = {
        role: 'tool',
        parts: calls.map(({ result, isError }, at) => ({
          type: 'toolResult',
          callId: id(at),
          parts: [{ type: 'text', text: result }],
          isError,
        })),
      }
      return [
        { role: 'user', parts: user },
        ...(calls.length > 0 ? [{ role: 'assistant' as const, parts: asked }, results] : []),
        { role: 'assistant', parts: [{ type: 'text', text: answer }] },
      ]
    })
}

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

/** Members without a value are left out: absent is absent. */
function tidy<T extends object>(value: T): T {
  // Only members whose value is undefined go, and optional ones alone have such values.
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}

/** Conversations of this dialect, with what every dialect has a word for. */
export function conversations(dialect: Conversation['dialect']): fc.Arbitrary<Conversation> {
  return fc
    .record({
      model: word,
      system: optional(said),
      exchanges: fc.tuple(exchange(0), exchange(1)),
      last: said,
      tools: fc.uniqueArray(fc.record({ name: word, description: word, schema: rawObject }), {
        maxLength: 3,
        selector: ({ name }) => name,
      }),
      output: optional(
        fc.oneof(
          fc.constant({ type: 'json' as const }),
          fc.record({ type: fc.constant('schema' as const), schema: rawObject }),
        ),
      ),
      maxOutput: optional(fc.integer({ min: 1, max: 100_000 })),
      stop: fc.array(word, { maxLength: 3 }),
      temperature: optional(fc.constantFrom(0, 0.5, 1)),
      topP: optional(fc.constantFrom(0.1, 1)),
      seed: optional(fc.nat()),
      on: fc.boolean(),
    })
    .map(
      ({ model, system, exchanges, last, tools, output, maxOutput, stop, temperature, topP, seed, on }) => {
        const turns: Turn[] = [
          ...(system === undefined
            ? []
            : [{ role: 'system' as const, parts: [{ type: 'text' as const, text: system }] }]),
          ...exchanges.flat(),
          { role: 'user', parts: [{ type: 'text', text: last }] },
        ]
        const asked = { dialect, model, turns, tools, stop, rest: {}, ...tidy({ output, maxOutput }) }
        return {
          ...asked,
          sampling: tidy({ temperature, topP, seed }),
          stream: { on, usage: on },
        } as Conversation // tidy() takes the undefined members away
      },
    )
}

const quantities = fc
  .record({
    uncached: fc.bigInt({ min: 0n, max: 1000n }),
    cached: fc.bigInt({ min: 0n, max: 1000n }),
    text: fc.bigInt({ min: 0n, max: 1000n }),
    reasoning: fc.bigInt({ min: 0n, max: 1000n }),
  })
  .map(({ uncached, cached, text, reasoning }) => ({
    ...(cached > 0n && { 'tok.in.cache_read': cached }),
    'tok.in.uncached': uncached,
    ...(reasoning > 0n && { 'tok.out.reasoning': reasoning }),
    'tok.out.text': text,
  }))

const logprob = fc.constantFrom(0, -0.5, -1e-7, -9999, -3.402823466385288)
const scored = fc.record({ token: said, logprob })
const scores: fc.Arbitrary<readonly TokenLogprob[]> = fc.array(
  fc
    .record({ one: scored, top: fc.array(scored, { maxLength: 2 }) })
    .map(({ one, top }) => ({ ...one, top })),
  { maxLength: 2 },
)

interface AnswerOptions {
  readonly choices?: number
  readonly stops?: readonly Stop[]
  readonly signatures?: boolean
  /** Tokens of texts are scored: with the text, or some with alternatives. */
  readonly logprobs?: boolean
}

/** Legal answers: blocks of text and reasoning one after the other, calls that interleave, usage, end. */
export function answers(options: AnswerOptions = {}): fc.Arbitrary<readonly Delta[]> {
  const { choices = 1, stops = ['end', 'length'], signatures = false, logprobs = false } = options
  const fragments = fc.array(said, { minLength: 1, maxLength: 3 })
  const spoken = fc.record({
    kind: fc.constantFrom('text' as const, 'reasoning' as const),
    fragments,
    sealed: fc.boolean(),
    scores: fc.array(scores, { minLength: 3, maxLength: 3 }),
  })
  const choice = fc.record({
    spoken: fc.array(spoken, { maxLength: 3 }),
    calls: fc.array(fc.record({ name: word, args: rawObject, cut: fc.nat() }), { maxLength: 3 }),
    stop: fc.constantFrom(...stops),
  })
  return fc
    .record({
      choices: fc.array(choice, { minLength: choices, maxLength: choices }),
      usage: optional(quantities),
    })
    .map(({ choices, usage }): Delta[] => {
      const out: Delta[] = [{ choice: 0, type: 'start', id: 'c1', created: 1, model: 'up' }]
      for (const [index, { spoken, calls, stop }] of choices.entries()) {
        let block = 0
        for (const { kind, fragments, sealed, scores } of spoken) {
          out.push({ choice: index, type: 'open', block, kind })
          for (const [at, text] of fragments.entries()) {
            out.push({ choice: index, type: kind, block, text })
            const tokens = scores[at] ?? []
            if (logprobs && kind === 'text' && tokens.length > 0)
              out.push({ choice: index, type: 'logprobs', block, tokens })
          }
          if (signatures && sealed && kind === 'reasoning')
            out.push({ choice: index, type: 'signature', block, signature: `s${block}`, origin: 'openai' })
          out.push({ choice: index, type: 'close', block })
          block++
        }
        const first = block
        for (const [at, { name }] of calls.entries())
          out.push({
            choice: index,
            type: 'open',
            block: block++,
            kind: 'tool',
            id: `call_${index}_${at}`,
            name,
          })
        for (const [at, { args, cut }] of calls.entries())
          out.push({ choice: index, type: 'args', block: first + at, json: args.slice(0, cut % args.length) })
        for (const [at, { args, cut }] of calls.entries()) {
          out.push({ choice: index, type: 'args', block: first + at, json: args.slice(cut % args.length) })
          out.push({ choice: index, type: 'close', block: first + at })
        }
        out.push({ choice: index, type: 'finish', stop: calls.length > 0 ? 'tool' : stop })
      }
      if (usage)
        out.push({ choice: 0, type: 'usage', usage: { quantities: usage, source: 'engine', flags: [] } })
      out.push({ choice: 0, type: 'end' })
      return out
    })
}

interface Heard {
  readonly said: Map<number, Record<string, unknown>>
  readonly scores: TokenLogprob[]
  readonly citations: Citation[]
  stop: Stop | undefined
}

interface Meaning {
  readonly choice: number
  readonly said: readonly Readonly<Record<string, unknown>>[]
  readonly stop: Stop | undefined
  readonly scores?: readonly TokenLogprob[]
  readonly citations?: readonly Citation[]
}

/** What an answer means: texts that follow each other are one, calls stand by their order. */
export function meaning(deltas: readonly Delta[]) {
  const choices = new Map<number, Heard>()
  let usage: Quantities | undefined
  let ended: string | undefined
  for (const delta of deltas) {
    if (delta.type === 'usage') usage = delta.usage.quantities
    if (delta.type === 'end' || delta.type === 'fault') ended ??= delta.type
    if (delta.type === 'usage' || delta.type === 'end' || delta.type === 'fault' || delta.type === 'start')
      continue
    const choice: Heard = choices.get(delta.choice) ?? {
      said: new Map(),
      scores: [],
      citations: [],
      stop: undefined,
    }
    choices.set(delta.choice, choice)
    if (delta.type === 'finish') choice.stop = delta.stop
    else if (delta.type === 'media')
      choice.said.set(delta.block, { kind: 'media', text: delta.base64, mime: delta.mime })
    else if (delta.type === 'open') {
      const { type: _, choice: __, block: ___, ...of } = delta
      choice.said.set(delta.block, { ...of, text: '' })
    } else {
      const block = choice.said.get(delta.block)
      if (!block) throw new Error('a delta of a block that was never opened')
      if (delta.type === 'text' || delta.type === 'reasoning')
        block.text = `${String(block.text)}${delta.text}`
      if (delta.type === 'args') block.text = `${String(block.text)}${delta.json}`
      if (delta.type === 'logprobs') choice.scores.push(...delta.tokens)
      if (delta.type === 'annotation') choice.citations.push(delta.citation)
      if (delta.type === 'signature') block.signature = delta.signature ?? delta.opaque
    }
  }
  const found: Meaning[] = [...choices]
    .sort(([one], [other]) => one - other)
    .map(([choice, { said, scores, citations, stop }]) => ({
      choice,
      said: joined([...said.values()]),
      stop,
      ...(scores.length > 0 && { scores }),
      ...(citations.length > 0 && { citations }),
    }))
  return { choices: found, usage, ended }
}

function joined(blocks: readonly Record<string, unknown>[]): readonly Readonly<Record<string, unknown>>[] {
  const out: Record<string, unknown>[] = []
  for (const block of blocks) {
    const last = out.at(-1)
    if (
      last &&
      last.kind === block.kind &&
      block.kind !== 'tool' &&
      block.kind !== 'media' &&
      last.signature === undefined
    )
      out[out.length - 1] = { ...last, ...block, text: `${String(last.text)}${String(block.text)}` }
    else out.push(block)
  }
  return out.filter(block => block.kind === 'tool' || block.text !== '' || block.signature !== undefined)
}

/** Cuts bytes at these places. */
export function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map(at => at % (bytes.length + 1)))].sort((one, other) => one - other)
  return [0, ...places].map((from, i) => Buffer.from(bytes.subarray(from, places[i] ?? bytes.length)))
}
