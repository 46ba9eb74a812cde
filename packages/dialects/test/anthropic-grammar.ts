// The grammar of Anthropic's stream as a checker, answers to try it on, and what an answer means.
import { anthropic, type Delta, type Stop } from '@switchyard/dialects'
import fc from 'fast-check'
import { expect } from 'vitest'

export const about = { id: 'msg_1', model: 'public', created: 1_700_000_000, usage: true }

export interface Event {
  readonly type: string
  readonly index?: number
  readonly content_block?: Readonly<Record<string, unknown>>
  readonly delta?: Readonly<Record<string, unknown>>
  readonly message?: Readonly<Record<string, unknown>>
  readonly usage?: Readonly<Record<string, unknown>>
}

export function events(bytes: Buffer): readonly Event[] {
  const blocks = bytes.toString().split('\n\n')
  expect(blocks.pop()).toBe('')
  return blocks.map(block => {
    const [, name, data] = /^event: ([a-z_]+)\ndata: (\{[^\n]*\})$/.exec(block) ?? []
    // A test reads what it has just written.
    const event = JSON.parse(data ?? '') as Event
    expect(event.type).toBe(name)
    return event
  })
}

const deltasOf: Readonly<Record<string, readonly string[]>> = {
  text: ['text_delta', 'citations_delta'],
  thinking: ['thinking_delta', 'signature_delta'],
  redacted_thinking: [],
  tool_use: ['input_json_delta'],
}

/** Fails unless these bytes are one whole, well-ordered stream. */
export function checkStream(bytes: Buffer): void {
  const list = [...events(bytes)]
  expect(list.shift()?.type).toBe('message_start')
  expect(list.pop()?.type).toBe('message_stop')
  const last = list.pop()
  expect(last?.type).toBe('message_delta')
  expect(typeof last?.delta?.stop_reason).toBe('string')
  expect(last?.delta).toHaveProperty('stop_sequence')
  expect(Number.isInteger(last?.usage?.output_tokens)).toBe(true)
  let open: string | undefined
  let next = 0
  let signed = false
  for (const { type, index, content_block, delta } of list) {
    if (type === 'content_block_start') {
      expect(open).toBeUndefined()
      expect(index).toBe(next)
      open = String(content_block?.type)
      expect(Object.keys(deltasOf)).toContain(open)
      signed = false
    } else if (type === 'content_block_delta') {
      expect(index).toBe(next)
      expect(signed).toBe(false)
      expect(deltasOf[open ?? '']).toContain(delta?.type)
      signed = delta?.type === 'signature_delta'
    } else {
      expect(type).toBe('content_block_stop')
      expect(index).toBe(next++)
      expect(open).toBeDefined()
      open = undefined
    }
  }
  expect(open).toBeUndefined()
}

export function decode(chunks: readonly (string | Buffer)[]): readonly Delta[] {
  const decoder = anthropic.decoder()
  const deltas = chunks.flatMap(chunk => decoder.push(Buffer.from(chunk)))
  return [...deltas, ...decoder.finish()]
}

export function plainText(text: string): readonly [Delta, Delta, Delta, Delta, Delta] {
  return [
    { type: 'open', choice: 0, block: 0, kind: 'text' },
    { type: 'text', choice: 0, block: 0, text },
    { type: 'close', choice: 0, block: 0 },
    { type: 'finish', choice: 0, stop: 'end' },
    { type: 'end', choice: 0 },
  ]
}

const text = fc.string({ unit: 'binary', maxLength: 8 })
const proofs = fc.constantFrom(
  { signature: 'EqQB', origin: 'anthropic' },
  { opaque: 'Emw', origin: 'anthropic' },
  { signature: 'gem.1', origin: 'gemini' },
  { opaque: 'enc.2', origin: 'responses' },
)
const args = fc.constantFrom('', '{}', '{"n":12345678901234567890,"x":1.0}', '{"a":[1,{"b":"ü🤔"}]}')

/** The deltas of one block, its number left open. */
const blocks = fc.oneof(
  fc.array(text, { maxLength: 3 }).map(texts => ({ kind: 'text' as const, texts })),
  fc.array(text, { maxLength: 2 }).map(texts => ({ kind: 'refusal' as const, texts })),
  fc.record({
    kind: fc.constant('reasoning' as const),
    texts: fc.array(text, { maxLength: 3 }),
    proof: fc.option(proofs, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('tool' as const),
    id: fc.constantFrom('toolu_1', 'call_ab-9', 'call.with:odd chars'),
    name: fc.constantFrom('look', 'go_on'),
    json: args,
    cut: fc.nat(5),
  }),
)

type Block = typeof blocks extends fc.Arbitrary<infer T> ? T : never

function steps(block: Block, number: number): readonly Delta[] {
  const at = { choice: 0, block: number }
  if (block.kind === 'tool') {
    const { id, name, json, cut } = block
    return [
      { type: 'open', ...at, kind: 'tool', id, name },
      { type: 'args', ...at, json: json.slice(0, cut) },
      { type: 'args', ...at, json: json.slice(cut) },
      { type: 'close', ...at },
    ]
  }
  const proof = block.kind === 'reasoning' ? block.proof : undefined
  const type = block.kind === 'reasoning' ? ('reasoning' as const) : ('text' as const)
  return [
    { type: 'open', ...at, kind: block.kind },
    ...block.texts.map((said): Delta => ({ type, ...at, text: said })),
    ...(proof ? [{ type: 'signature' as const, ...at, ...proof }] : []),
    { type: 'close', ...at },
  ]
}

const count = fc.option(fc.bigInt(0n, 1_000_000n), { nil: undefined })
const usages = fc.record({
  'tok.in.uncached': fc.bigInt(0n, 1_000_000n),
  'tok.in.cache_read': count,
  'tok.in.cache_write_5m': count,
  'tok.in.cache_write_1h': count,
  'tok.out.text': fc.bigInt(0n, 1_000_000n),
  'tok.out.reasoning': count,
})

/** Usage as it is reported of these counts; before there is output, the input alone. */
function report(counts: object, begun: boolean): Delta {
  const known = Object.entries(counts).filter(
    ([unit, value]) => (value || /uncached|text/.test(unit)) && (begun || unit.startsWith('tok.in')),
  )
  return {
    type: 'usage',
    choice: 0,
    usage: { quantities: Object.fromEntries(known), source: 'provider', flags: [] },
  }
}

const endings = fc.constantFrom<Delta & { readonly type: 'finish' }>(
  ...(['end', 'length', 'refusal', 'filter', 'pause'] as const).map(stop => ({
    type: 'finish' as const,
    choice: 0,
    stop,
  })),
  { type: 'finish', choice: 0, stop: 'sequence', sequence: 'END' },
  { type: 'finish', choice: 0, stop: 'length', raw: 'model_context_window_exceeded' },
)

/** Legal answers whose blocks interleave in any way that keeps each block's own order. */
export const answers: fc.Arbitrary<readonly Delta[]> = fc
  .record({
    list: fc.array(blocks, { maxLength: 4 }),
    picks: fc.array(fc.nat(100), { minLength: 40, maxLength: 40 }),
    early: fc.boolean(),
    counts: usages,
    ending: endings,
  })
  .map(({ list, picks, early, counts, ending }) => {
    const queues = list.map((block, number) => [...steps(block, number)])
    const mixed: Delta[] = []
    let opened = 0
    while (queues.some(queue => queue.length > 0)) {
      const ready = queues.filter((queue, number) => queue.length > 0 && number <= opened)
      const pick = picks[mixed.length % picks.length] ?? 0
      const queue = ready[pick % ready.length]
      const step = queue?.shift()
      if (!step) break
      if (step.type === 'open') opened++
      mixed.push(step)
    }
    return [
      { type: 'start', choice: 0, id: 'up_1', model: 'up' },
      ...(early ? [report(counts, false)] : []),
      ...mixed,
      ending,
      report(counts, true),
      { type: 'end', choice: 0 },
    ]
  })

interface Said {
  readonly kind: string
  readonly name?: string
  readonly text: string
  readonly proof?: object
}

/** What an answer says, whatever the fragments: a refusal is text here, and empty blocks say nothing. */
export function meaning(deltas: readonly Delta[]) {
  const said = new Map<number, Said>()
  let stop: Stop | undefined
  let sequence: string | undefined
  let usage: unknown
  let last: string | undefined
  for (const step of deltas) {
    last = step.type
    if (step.type === 'open') {
      const kind = step.kind === 'refusal' ? 'text' : step.kind
      said.set(step.block, { kind, text: '', ...(step.kind === 'tool' && { name: step.name }) })
    } else if (step.type === 'finish') {
      stop = step.stop === 'filter' ? 'refusal' : step.stop
      sequence = step.sequence
    } else if (step.type === 'usage') usage = step.usage
    else if ('block' in step) {
      const before = said.get(step.block)
      if (!before) continue
      if (step.type === 'signature') {
        const { signature, opaque, origin } = step
        said.set(step.block, { ...before, proof: { signature, opaque, origin } })
      } else if (step.type === 'args' || step.type === 'text' || step.type === 'reasoning')
        said.set(step.block, {
          ...before,
          text: before.text + (step.type === 'args' ? step.json : step.text),
        })
    }
  }
  const list = [...said.values()]
    .filter(({ kind, text: words, proof }) => kind === 'tool' || words !== '' || proof)
    .map(block => (block.kind === 'tool' && block.text === '' ? { ...block, text: '{}' } : block))
  if (stop === 'end' && list.some(({ kind }) => kind === 'tool')) stop = 'tool'
  return { list, stop, sequence, usage, last }
}
