// Matrix multiplication for training, over memory that all workers share: packs panels of A and B for the
// WebAssembly loop of assembly.ts.
import { assemble, type Tile, tileColumns, tileRows, unroll } from './assembly.ts'

/** Inner steps per panel, so that a strip of B stays in the first-level cache. */
const panel = 512

/** A matrix inside the shared floats: element (i, j) is at `offset + i * rowStride + j * columnStride`. */
export interface View {
  readonly offset: number
  readonly rowStride: number
  /** Default 1; B and C must have 1. */
  readonly columnStride?: number
}

export interface Kernel {
  readonly floats: Float32Array
  /** C = A·B, or C += A·B when `add`. `columns` must be a multiple of 8. All counts in elements. */
  readonly multiply: (
    a: View,
    b: View,
    c: View,
    rows: number,
    columns: number,
    inner: number,
    add: boolean,
  ) => void
}

/** The typed part of WebAssembly that is used here; TypeScript's own lies in its browser library. */
declare const WebAssembly: {
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> }
}
/** Memory that can be posted to a worker. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer
}

const pages = (floats: number) => Math.ceil(floats / 16384)

export const sharedMemory = (floats: number): SharedMemory =>
  new WebAssembly.Memory({ initial: pages(floats), maximum: pages(floats), shared: true })

/** Elements of scratch that a kernel needs for matrices of at most `columns` columns. */
export const scratchSize = (columns: number) => panel * (columns + tileRows) + tileRows * columns

/** A kernel whose scratch lies at `scratch`; each worker needs its own. */
export function kernel(memory: SharedMemory, scratch: number, maxColumns: number): Kernel {
  const limits = pages(memory.buffer.byteLength / 4)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble(limits)), { env: { memory } })
  // The module of assembly.ts exports exactly this function.
  const tile = instance.exports.tile as Tile
  const floats = new Float32Array(memory.buffer)
  const packedA = scratch
  const packedB = packedA + panel * tileRows
  const edge = packedB + panel * maxColumns

  return {
    floats,
    multiply: (a, b, c, rows, columns, inner, add) => {
      if (columns % tileColumns || columns > maxColumns)
        throw new TypeError(
          `a product has ${columns} columns; it must be a multiple of 8, at most ${maxColumns}`,
        )
      for (let from = 0; from < inner; from += panel) {
        const depth = Math.min(panel, inner - from)
        const padded = Math.ceil(depth / unroll) * unroll
        packB(floats, packedB, b.offset + from * b.rowStride, b.rowStride, depth, padded, columns)
        const accumulate = add || from > 0 ? 1 : 0
        for (let row = 0; row < rows; row += tileRows) {
          const full = Math.min(tileRows, rows - row)
          const stepA = a.columnStride ?? 1
          packA(
            floats,
            packedA,
            a.offset + row * a.rowStride + from * stepA,
            a.rowStride,
            stepA,
            full,
            depth,
            padded,
          )
          const target = c.offset + row * c.rowStride
          if (full === tileRows)
            tile(
              packedA * 4,
              packedB * 4,
              target * 4,
              c.rowStride * 4,
              padded,
              columns / tileColumns,
              accumulate,
            )
          else {
            tile(packedA * 4, packedB * 4, edge * 4, columns * 4, padded, columns / tileColumns, 0)
            addEdge(floats, edge, target, c.rowStride, full, columns, accumulate === 1)
          }
        }
      }
    },
  }
}

/** Four rows of A, interleaved: element (i, k) to `4k + i`. */
function packA(
  floats: Float32Array,
  to: number,
  from: number,
  rowStride: number,
  step: number,
  rows: number,
  depth: number,
  padded: number,
): void {
  if (rows === tileRows) {
    const r1 = from + rowStride
    const r2 = r1 + rowStride
    const r3 = r2 + rowStride
    for (let k = 0, at = 0; k < depth; k++, at += step) {
      const out = to + 4 * k
      floats[out] = floats[from + at]!
      floats[out + 1] = floats[r1 + at]!
      floats[out + 2] = floats[r2 + at]!
      floats[out + 3] = floats[r3 + at]!
    }
  } else {
    floats.fill(0, to, to + depth * tileRows)
    for (let i = 0; i < rows; i++)
      for (let k = 0; k < depth; k++) floats[to + 4 * k + i] = floats[from + i * rowStride + k * step]!
  }
  if (padded > depth) floats.fill(0, to + depth * tileRows, to + padded * tileRows)
}

/** Strips of eight columns of B, each contiguous over the inner dimension. */
function packB(
  floats: Float32Array,
  to: number,
  from: number,
  rowStride: number,
  depth: number,
  padded: number,
  columns: number,
): void {
  let out = to
  for (let column = 0; column < columns; column += tileColumns) {
    for (let k = 0; k < depth; k++) {
      const at = from + k * rowStride + column
      for (let j = 0; j < tileColumns; j++) floats[out + j] = floats[at + j]!
      out += tileColumns
    }
    const rest = (padded - depth) * tileColumns
    if (rest > 0) floats.fill(0, out, out + rest)
    out += rest
  }
}

function addEdge(
  floats: Float32Array,
  edge: number,
  to: number,
  stride: number,
  rows: number,
  columns: number,
  add: boolean,
): void {
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const at = to + i * stride + j
      floats[at] = floats[edge + i * columns + j]! + (add ? floats[at]! : 0)
    }
}
