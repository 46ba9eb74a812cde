// Draws documents and lays them one after the other into batches; the same seed and step give the same.
import { document, textOf } from './corpus.ts'
import type { Batch } from './network.ts'
import { seeded } from './random.ts'
import { learn, type Tokenizer, type Vocabulary } from './tokenizer.ts'

/** How much a token counts that the model reads rather than says. */
const readShare = 0.1
/** Documents from which the vocabulary is learned. */
const lessons = 30000

export function vocabularyOf(seed: number, size: number): Vocabulary {
  const random = seeded(seed)
  return learn(
    Array.from({ length: lessons }, () => textOf(document(random))),
    size,
  )
}

/** One batch of at most `tokens` tokens, from documents of at most `longest`. */
function batch(seed: number, { encode }: Tokenizer, tokens: number, longest: number): Batch {
  const random = seeded(seed)
  const ids: number[] = []
  const targets: number[] = []
  const emphasis: number[] = []
  const starts = [0]
  for (;;) {
    const spans = document(random).map(({ text, said }) => ({ said, ids: encode(text) }))
    const all = spans.flatMap(span => span.ids)
    if (all.length > longest) continue
    if (ids.length + all.length > tokens) break
    const shares = spans.flatMap(span => span.ids.map(() => (span.said ? 1 : readShare)))
    all.forEach((id, at) => {
      const next = all[at + 1]
      ids.push(id)
      targets.push(next ?? 0)
      emphasis.push(next === undefined ? 0 : (shares[at + 1] ?? 0))
    })
    starts.push(ids.length)
  }
  return {
    tokens: Int32Array.from(ids),
    targets: Int32Array.from(targets),
    emphasis: Float32Array.from(emphasis),
    starts,
  }
}

/** The batches of a step, one per shard; together their emphasis sums to 1. */
export function step(
  seed: number,
  number: number,
  tokenizer: Tokenizer,
  { shards, tokens, longest }: { readonly shards: number; readonly tokens: number; readonly longest: number },
): readonly Batch[] {
  const made = Array.from({ length: shards }, (_, shard) =>
    batch(Math.imul(seed + 1, 0x9e3779b1) + number * shards + shard, tokenizer, tokens, longest),
  )
  const total = made.reduce((sum, { emphasis }) => sum + emphasis.reduce((part, share) => part + share, 0), 0)
  return made.map(one => ({ ...one, emphasis: one.emphasis.map(share => share / total) }))
}
