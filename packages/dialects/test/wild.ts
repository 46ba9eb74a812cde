// Any legal sequence of deltas: blocks of every kind that interleave in every way which keeps the order within each,
// with usage told at any time, as more than one choice, in fragments of any size.
import type { Delta, Stop } from '@switchyard/dialects'
import fc from 'fast-check'

/** What a text may be: nothing, halves of characters that come in two pieces, what JSON and events must escape. */
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom(
    '',
    ' ',
    '\n\n',
    'data: [DONE]\n\n',
    '\r',
    '\u2028',
    '"}',
    '漢😀',
    '</think>',
    '\u0000',
    '\ud83d',
    '\ude00',
  ),
)
const pieces = fc.array(piece, { maxLength: 3 })
const seals = fc.constantFrom(
  { signature: 'EqQB', origin: 'anthropic' },
  { opaque: 'Emw', origin: 'anthropic' },
  { signature: 'gem.1', origin: 'gemini' },
  { signature: 'rs_1', opaque: 'enc.2', origin: 'responses' },
)
const json = fc.constantFrom(
  '',
  '{}',
  '{"n":12345678901234567890,"x":1.0}',
  '{"a":[1,{"b":"ü🤔"}],"c":"\\n"}',
)
const scores = fc.array(
  fc.record({ token: piece, logprob: fc.constantFrom(0, -0.5, -9999), top: fc.constant([]) }),
  { minLength: 1, maxLength: 2 },
)

type Step = Delta & { readonly block: number }

const spoken = fc
  .record({
    kind: fc.constantFrom('text' as const, 'refusal' as const),
    pieces,
    scored: fc.option(scores, { nil: undefined }),
    cited: fc.boolean(),
  })
  .map(({ kind, pieces, scored, cited }) => (at: Place): Step[] => [
    { type: 'open', ...at, kind },
    ...pieces.map((text): Step => ({ type: 'text', ...at, text })),
    ...(scored && kind === 'text' ? [{ type: 'logprobs', ...at, tokens: scored } as const] : []),
    ...(cited && kind === 'text'
      ? [{ type: 'annotation', ...at, citation: { url: 'https://a.example/', start: 0, end: 1 } } as const]
      : []),
    { type: 'close', ...at },
  ])
const thought = fc
  .record({ pieces, seal: fc.option(seals, { nil: undefined }) })
  .map(({ pieces, seal }) => (at: Place): Step[] => [
    { type: 'open', ...at, kind: 'reasoning' },
    ...pieces.map((text): Step => ({ type: 'reasoning', ...at, text })),
    ...(seal ? [{ type: 'signature', ...at, ...seal } as const] : []),
    { type: 'close', ...at },
  ])
const call = fc
  .record({
    id: fc.constantFrom('call_1', 'toolu_01', 'odd id/ü', 'x'.repeat(80)),
    name: fc.constantFrom('look', 'go_on'),
    json,
    cuts: fc.array(fc.nat(12), { maxLength: 3 }),
  })
  .map(({ id, name, json, cuts }) => (at: Place): Step[] => {
    const places = [0, ...cuts.toSorted((one, other) => one - other)]
    return [
      { type: 'open', ...at, kind: 'tool', id: `${id}${at.block}`, name },
      ...places.map(
        (from, i): Step => ({ type: 'args', ...at, json: json.slice(from, places[i + 1] ?? json.length) }),
      ),
      { type: 'close', ...at },
    ]
  })

interface Place {
  readonly choice: number
  readonly block: number
}

const count = fc.bigInt(0n, 1_000_000n)
const optional = fc.option(count, { nil: undefined })
const usage = fc
  .record({
    'tok.in.uncached': count,
    'tok.in.cache_read': optional,
    'tok.in.cache_write_5m': optional,
    'tok.in.audio': optional,
    'tok.out.text': count,
    'tok.out.reasoning': optional,
  })
  .map(
    (all): Delta => ({
      type: 'usage',
      choice: 0,
      usage: {
        quantities: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
        source: 'provider',
        flags: [],
      },
    }),
  )

const choice = fc.record({
  blocks: fc.array(fc.oneof(spoken, thought, call), { maxLength: 5 }),
  stop: fc.constantFrom<Stop>('end', 'sequence', 'length', 'tool', 'pause', 'filter', 'refusal'),
})

export interface Wild {
  readonly choices?: number
  readonly stops?: readonly Stop[]
}

export function wild({ choices = 1, stops }: Wild = {}): fc.Arbitrary<readonly Delta[]> {
  return fc
    .record({
      all: fc.array(choice, { minLength: choices, maxLength: choices }),
      picks: fc.array(fc.nat(1_000), { minLength: 48, maxLength: 48 }),
      early: fc.option(usage, { nil: undefined }),
      late: fc.option(usage, { nil: undefined }),
      started: fc.boolean(),
    })
    .map(({ all, picks, early, late, started }): readonly Delta[] => {
      const queues = all.flatMap(({ blocks }, index) =>
        blocks.map((write, block) => {
          const steps = write({ choice: index, block })
          const [first] = steps
          return { index, block, steps, call: first?.type === 'open' && first.kind === 'tool' }
        }),
      )
      const spokenBefore = (index: number, block: number) =>
        queues.some(
          other => other.index === index && other.block < block && !other.call && other.steps.length > 0,
        )
      const opened = new Map<number, number>()
      const mixed: Delta[] = []
      for (let turn = 0; queues.some(({ steps }) => steps.length > 0); turn++) {
        // A block is opened after those before it; what is spoken follows what was spoken, calls go on beside it.
        const ready = queues.filter(
          ({ index, block, steps, call }) =>
            steps.length > 0 && block <= (opened.get(index) ?? 0) && (call || !spokenBefore(index, block)),
        )
        const queue = ready[(picks[turn % picks.length] ?? 0) % ready.length]
        const step = queue?.steps.shift()
        if (!queue || !step) break
        if (step.type === 'open') opened.set(queue.index, queue.block + 1)
        mixed.push(step)
        if (early && turn === (picks[0] ?? 0) % 4) mixed.push(early)
      }
      const finishes = all.map(({ stop, blocks }, index): Delta => {
        const called = mixed.some(
          step => step.choice === index && step.type === 'open' && step.kind === 'tool',
        )
        const allowed = stops && !stops.includes(stop) ? (stops[0] ?? stop) : stop
        const said =
          blocks.length > 0 && called && (allowed === 'end' || allowed === 'sequence') ? 'tool' : allowed
        const honest = said === 'tool' && !called ? 'end' : said
        return {
          type: 'finish',
          choice: index,
          stop: honest,
          ...(honest === 'sequence' && { sequence: 'END' }),
        }
      })
      return [
        ...(started ? [{ type: 'start', choice: 0, id: 'up1', model: 'up', created: 7 } as const] : []),
        ...mixed,
        ...finishes,
        ...(late ? [late] : []),
        { type: 'end', choice: 0 },
      ]
    })
}
