// The llama architecture in numbers, and where each of its tensors lies in one flat array.

/** All lengths in elements. */
export interface Shape {
  /** Width of the residual stream; a multiple of 32. */
  readonly dim: number
  readonly layers: number
  /** Attention heads; `dim / heads` must be even. There are as many key-value heads. */
  readonly heads: number
  /** Inner width of the SwiGLU feed-forward; a multiple of 32. */
  readonly feedForward: number
  /** Vocabulary size; a multiple of 8. */
  readonly vocab: number
  /** Longest sequence that the model declares, in tokens. */
  readonly context: number
}

export const ropeBase = 10000
export const epsilon = 1e-5

/** A matrix is `rows` outputs of `columns` inputs, inputs contiguous; a norm has one row. */
export interface Slot {
  /** GGUF's name for the tensor. */
  readonly name: string
  readonly rows: number
  readonly columns: number
  /** First element in the flat array of all weights. */
  readonly offset: number
}

/**
 * Every tensor in file order. Query, key and value follow each other, as do gate and up: each group is
 * one matrix to the trainer. The output matrix is the embedding (tied), so it has no slot of its own.
 */
export function slots(shape: Shape): readonly Slot[] {
  const { dim, feedForward, vocab, layers } = shape
  let offset = 0
  const slot = (name: string, rows: number, columns: number): Slot => {
    const placed = { name: `${name}.weight`, rows, columns, offset }
    offset += rows * columns
    return placed
  }
  return [
    slot('token_embd', vocab, dim),
    ...Array.from({ length: layers }, (_, n) => [
      slot(`blk.${n}.attn_norm`, 1, dim),
      slot(`blk.${n}.attn_q`, dim, dim),
      slot(`blk.${n}.attn_k`, dim, dim),
      slot(`blk.${n}.attn_v`, dim, dim),
      slot(`blk.${n}.attn_output`, dim, dim),
      slot(`blk.${n}.ffn_norm`, 1, dim),
      slot(`blk.${n}.ffn_gate`, feedForward, dim),
      slot(`blk.${n}.ffn_up`, feedForward, dim),
      slot(`blk.${n}.ffn_down`, dim, feedForward),
    ]).flat(),
    slot('output_norm', 1, dim),
  ]
}

/** How many weights a shape has. */
export const weightCount = (shape: Shape) =>
  slots(shape).reduce((sum, slot) => sum + slot.rows * slot.columns, 0)
