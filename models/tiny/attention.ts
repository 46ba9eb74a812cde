// Causal self-attention over the sequences of a batch, with rotary positions, and its gradient.
import type { Kernel } from './kernel.ts'
import { ropeBase, type Shape } from './shape.ts'

/** Sequences lie one after the other; `starts` has one more entry, the number of tokens. */
export type Starts = readonly number[]

export interface Attention {
  /** Turns queries and keys by their positions, in place; `direction` -1 undoes it (the gradient). */
  rotate(qkv: number, starts: Starts, direction: 1 | -1): void
  forward(qkv: number, chances: number, out: number, starts: Starts): void
  backward(qkv: number, chances: number, dOut: number, dQkv: number, starts: Starts): void
}

/** `turned` and `dChances` are offsets of scratch for one transposed head and one square of scores. */
export function attention(
  shape: Shape,
  { floats, multiply }: Kernel,
  longest: number,
  { turned, dChances }: { readonly turned: number; readonly dChances: number },
): Attention {
  const { dim, heads } = shape
  const width = dim / heads
  const rowStride = 3 * dim
  const scale = 1 / Math.sqrt(width)
  const half = width / 2
  // llama turns neighbours: pair i is (2i, 2i + 1), its angle position * base^(-2i / width).
  const angles = Array.from({ length: longest * half }, (_, n) => {
    const pair = n % half
    return Math.floor(n / half) * ropeBase ** ((-2 * pair) / width)
  })
  const cosines = Float32Array.from(angles, Math.cos)
  const sines = Float32Array.from(angles, Math.sin)

  /** Each head of each sequence: first row, length, padded length, offset of its scores. */
  const each = (
    starts: Starts,
    chances: number,
    visit: (row: number, head: number, length: number, padded: number, scores: number) => void,
  ) => {
    let scores = chances
    for (let n = 0; n + 1 < starts.length; n++) {
      const row = starts[n]!
      const length = starts[n + 1]! - row
      const padded = Math.ceil(length / 8) * 8
      for (let head = 0; head < heads; head++) {
        visit(row, head, length, padded, scores)
        scores += length * padded
      }
    }
  }
  /** The head that begins at `from`, as width x padded. */
  const turn = (from: number, length: number, padded: number) => {
    for (let d = 0; d < width; d++) {
      const row = turned + d * padded
      for (let j = 0; j < length; j++) floats[row + j] = floats[from + j * rowStride + d]!
      floats.fill(0, row + length, row + padded)
    }
    return { offset: turned, rowStride: padded }
  }

  return {
    rotate(qkv, starts, direction) {
      for (let n = 0; n + 1 < starts.length; n++)
        for (let row = starts[n]!; row < starts[n + 1]!; row++) {
          const angle = (row - starts[n]!) * half
          // Queries and keys are neighbours: 2 * heads groups of `width`.
          for (let head = 0; head < 2 * heads; head++) {
            const at = qkv + row * rowStride + head * width
            for (let i = 0; i < half; i++) {
              const cosine = cosines[angle + i]!
              const sine = sines[angle + i]! * direction
              const even = floats[at + 2 * i]!
              const odd = floats[at + 2 * i + 1]!
              floats[at + 2 * i] = even * cosine - odd * sine
              floats[at + 2 * i + 1] = even * sine + odd * cosine
            }
          }
        }
    },

    forward(qkv, chances, out, starts) {
      each(starts, chances, (row, head, length, padded, scores) => {
        const query = qkv + row * rowStride + head * width
        const square = { offset: scores, rowStride: padded }
        const keys = turn(query + dim, length, padded)
        multiply({ offset: query, rowStride }, keys, square, length, padded, width, false)
        for (let i = 0; i < length; i++) softmax(floats, scores + i * padded, i + 1, padded, scale)
        const target = { offset: out + row * dim + head * width, rowStride: dim }
        multiply(square, { offset: query + 2 * dim, rowStride }, target, length, width, length, false)
      })
    },

    backward(qkv, chances, dOut, dQkv, starts) {
      each(starts, chances, (row, head, length, padded, scores) => {
        const from = row * rowStride + head * width
        const query = { offset: qkv + from, rowStride }
        const key = { offset: qkv + from + dim, rowStride }
        const out = { offset: dOut + row * dim + head * width, rowStride: dim }
        const square = { offset: dChances, rowStride: padded }
        const values = turn(qkv + from + 2 * dim, length, padded)
        multiply(out, values, square, length, padded, width, false)
        const upright = { offset: scores, rowStride: 1, columnStride: padded }
        multiply(upright, out, { offset: dQkv + from + 2 * dim, rowStride }, length, width, length, false)
        for (let i = 0; i < length; i++) {
          const p = scores + i * padded
          const d = dChances + i * padded
          let sum = 0
          for (let j = 0; j <= i; j++) sum += floats[p + j]! * floats[d + j]!
          for (let j = 0; j < padded; j++) floats[d + j] = floats[p + j]! * (floats[d + j]! - sum) * scale
        }
        multiply(square, key, { offset: dQkv + from, rowStride }, length, width, length, false)
        const turnedSquare = { offset: dChances, rowStride: 1, columnStride: padded }
        multiply(turnedSquare, query, { offset: dQkv + from + dim, rowStride }, length, width, length, false)
      })
    },
  }
}

/** Softmax of the first `seen` scores times `scale`, in place; what lies after them becomes zero. */
function softmax(floats: Float32Array, at: number, seen: number, padded: number, scale: number): void {
  let most = Number.NEGATIVE_INFINITY
  for (let j = 0; j < seen; j++) if (floats[at + j]! > most) most = floats[at + j]!
  let sum = 0
  for (let j = 0; j < seen; j++) {
    const chance = Math.exp((floats[at + j]! - most) * scale)
    floats[at + j] = chance
    sum += chance
  }
  for (let j = 0; j < seen; j++) floats[at + j] = floats[at + j]! / sum
  for (let j = seen; j < padded; j++) floats[at + j] = 0
}
