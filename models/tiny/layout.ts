// Where training keeps its numbers in one shared memory: weights, their transposes, Adam's moments, one
// gradient per shard, and the activations of each shard.
import { scratchSize } from './kernel.ts'
import { type Shape, slots, weightCount } from './shape.ts'

/** A matrix to the trainer: query, key and value are one, gate and up are one. */
export interface Matrix {
  readonly offset: number
  readonly rows: number
  readonly columns: number
}

/** Element offsets, relative to the first weight, of what one layer reads. */
export interface Layer {
  readonly attentionNorm: number
  readonly qkv: Matrix
  readonly output: Matrix
  readonly feedForwardNorm: number
  readonly gateUp: Matrix
  readonly down: Matrix
}

export interface Weights {
  readonly embedding: Matrix
  readonly layers: readonly Layer[]
  readonly outputNorm: number
}

export function weightLayout(shape: Shape): Weights {
  const { dim, feedForward, vocab } = shape
  const at = new Map(slots(shape).map(slot => [slot.name, slot.offset]))
  const offset = (name: string) => at.get(`${name}.weight`) ?? 0
  return {
    embedding: { offset: offset('token_embd'), rows: vocab, columns: dim },
    layers: Array.from({ length: shape.layers }, (_, n) => ({
      attentionNorm: offset(`blk.${n}.attn_norm`),
      qkv: { offset: offset(`blk.${n}.attn_q`), rows: 3 * dim, columns: dim },
      output: { offset: offset(`blk.${n}.attn_output`), rows: dim, columns: dim },
      feedForwardNorm: offset(`blk.${n}.ffn_norm`),
      gateUp: { offset: offset(`blk.${n}.ffn_gate`), rows: 2 * feedForward, columns: dim },
      down: { offset: offset(`blk.${n}.ffn_down`), rows: dim, columns: feedForward },
    })),
    outputNorm: offset('output_norm'),
  }
}

/** What the sizes depend on besides the shape. */
export interface Plan {
  readonly shape: Shape
  /** Gradients and activation sets. */
  readonly shards: number
  /** Most tokens in a shard. */
  readonly tokens: number
  /** Longest sequence in tokens; a multiple of 8. */
  readonly longest: number
}

/** Offsets of one shard's buffers; those that are lists have an entry per layer. */
export interface Activations {
  readonly scratch: number
  /** Input of each layer, and the output of the last. */
  readonly x: readonly number[]
  readonly middle: readonly number[]
  readonly normed1: readonly number[]
  readonly normed2: readonly number[]
  readonly inverse1: readonly number[]
  readonly inverse2: readonly number[]
  readonly inverseLast: number
  readonly qkv: readonly number[]
  readonly chances: readonly number[]
  readonly attended: readonly number[]
  readonly gateUp: readonly number[]
  readonly active: readonly number[]
  readonly normedLast: number
  readonly logits: number
  /** Gradients on the way back, and a transposed head. */
  readonly dx: number
  readonly dNormed: number
  readonly dQkv: number
  readonly dAttended: number
  readonly dActive: number
  readonly dGateUp: number
  readonly dChances: number
  readonly turned: number
}

export interface Layout {
  readonly weights: number
  readonly transposed: number
  readonly first: number
  readonly second: number
  readonly gradients: readonly number[]
  readonly shards: readonly Activations[]
  /** All elements together. */
  readonly size: number
}

/** Most columns of any product: the kernel's scratch is made for it. */
export const widest = ({ vocab, dim, feedForward }: Shape) => Math.max(vocab, 3 * dim, 2 * feedForward, 512)

export function layout({ shape, shards, tokens, longest }: Plan): Layout {
  let size = 0
  const take = (count: number) => {
    const offset = size
    size += Math.ceil(count / 16) * 16
    return offset
  }
  const { dim, feedForward, vocab, heads, layers } = shape
  const perLayer = (count: number) => Array.from({ length: layers }, () => take(count))
  const count = weightCount(shape)
  const wide = tokens * dim
  return {
    weights: take(count),
    transposed: take(count),
    first: take(count),
    second: take(count),
    gradients: Array.from({ length: shards }, () => take(count)),
    shards: Array.from({ length: shards }, () => ({
      scratch: take(scratchSize(widest(shape))),
      x: [...perLayer(wide), take(wide)],
      middle: perLayer(wide),
      normed1: perLayer(wide),
      normed2: perLayer(wide),
      inverse1: perLayer(tokens),
      inverse2: perLayer(tokens),
      inverseLast: take(tokens),
      qkv: perLayer(3 * wide),
      chances: perLayer(tokens * longest * heads),
      attended: perLayer(wide),
      gateUp: perLayer(2 * tokens * feedForward),
      active: perLayer(tokens * feedForward),
      normedLast: take(wide),
      logits: take(tokens * vocab),
      dx: take(wide),
      dNormed: take(wide),
      dQkv: take(3 * wide),
      dAttended: take(wide),
      dActive: take(tokens * feedForward),
      dGateUp: take(2 * tokens * feedForward),
      dChances: take(longest * longest),
      turned: take((dim / heads) * longest),
    })),
    size,
  }
}
