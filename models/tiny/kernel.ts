// Matrix multiplication for training: a WebAssembly SIMD kernel, emitted here byte by byte, over memory
// that all workers share. Measured on one 2-vCPU Xeon core: see README.md.

/** Rows and columns of C that the kernel holds in registers. */
const tileRows = 4
const tileColumns = 8
/** Inner steps per loop round; packed panels are padded with zeros to a multiple of it. */
const unroll = 4
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
  multiply(a: View, b: View, c: View, rows: number, columns: number, inner: number, add: boolean): void
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
  // The module below exports exactly this function.
  const tile = instance.exports.tile as Tile
  const floats = new Float32Array(memory.buffer)
  const packedA = scratch
  const packedB = packedA + panel * tileRows
  const edge = packedB + panel * maxColumns

  return {
    floats,
    multiply: (a, b, c, rows, columns, inner, add) => {
      if (columns % tileColumns || columns > maxColumns)
        throw new TypeError(`a product has ${columns} columns; it must be a multiple of 8, at most ${maxColumns}`)
      for (let from = 0; from < inner; from += panel) {
        const depth = Math.min(panel, inner - from)
        const padded = Math.ceil(depth / unroll) * unroll
        packB(floats, packedB, b.offset + from * b.rowStride, b.rowStride, depth, padded, columns)
        const accumulate = add || from > 0 ? 1 : 0
        for (let row = 0; row < rows; row += tileRows) {
          const full = Math.min(tileRows, rows - row)
          const stepA = a.columnStride ?? 1
          packA(floats, packedA, a.offset + row * a.rowStride + from * stepA, a.rowStride, stepA, full, depth, padded)
          const target = c.offset + row * c.rowStride
          if (full === tileRows)
            tile(packedA * 4, packedB * 4, target * 4, c.rowStride * 4, padded, columns / tileColumns, accumulate)
          else {
            tile(packedA * 4, packedB * 4, edge * 4, columns * 4, padded, columns / tileColumns, 0)
            addEdge(floats, edge, target, c.rowStride, full, columns, accumulate === 1)
          }
        }
      }
    },
  }
}

type Tile = (a: number, b: number, c: number, stride: number, inner: number, strips: number, add: number) => void

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

/**
 * The module: `tile(a, b, c, stride, inner, strips, add)`, addresses and stride in bytes. For each strip
 * it keeps a 4 x 8 tile of C in eight vector registers and walks the inner dimension with fused
 * multiply-adds (relaxed SIMD: one rounding on a CPU with FMA).
 */
function assemble(maximumPages: number): Uint8Array {
  const [a, b, c, stride, inner, strips, add, at, left, row] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
  const acc = (i: number, half: number) => 10 + i * 2 + half
  const b0 = 18
  const b1 = 19
  const splat = 20
  const get = (local: number) => [0x20, local]
  const set = (local: number) => [0x21, local]
  const advance = (local: number, bytes: number) => [...get(local), 0x41, ...signed(bytes), 0x6a, ...set(local)]
  const load = (offset: number) => [0xfd, 0x00, 0x02, ...leb(offset)]
  const load32 = (offset: number) => [0xfd, 0x09, 0x02, ...leb(offset)]
  const store = (offset: number) => [0xfd, 0x0b, 0x02, ...leb(offset)]
  const zero = [0xfd, 0x0c, ...new Array<number>(16).fill(0)]
  const madd = [0xfd, 0x85, 0x02]
  const rows = [0, 1, 2, 3]
  const eachRow = (body: (i: number) => number[]) => [
    ...get(c),
    ...set(row),
    ...rows.flatMap(i => [...body(i), ...get(row), ...get(stride), 0x6a, ...set(row)]),
  ]
  const step = (k: number) => [
    ...get(b), ...load(k * 32), ...set(b0),
    ...get(b), ...load(k * 32 + 16), ...set(b1),
    ...rows.flatMap(i => [
      ...get(at), ...load32(k * 16 + i * 4), ...set(splat),
      ...get(splat), ...get(b0), ...get(acc(i, 0)), ...madd, ...set(acc(i, 0)),
      ...get(splat), ...get(b1), ...get(acc(i, 1)), ...madd, ...set(acc(i, 1)),
    ]),
  ]
  const code = [
    0x03, 0x40, // loop over strips
    ...get(add), 0x04, 0x40, // if: start from C
    ...eachRow(i => [
      ...get(row), ...load(0), ...set(acc(i, 0)), ...get(row), ...load(16), ...set(acc(i, 1)),
    ]),
    0x05, // else: start from zero
    ...rows.flatMap(i => [...zero, ...set(acc(i, 0)), ...zero, ...set(acc(i, 1))]),
    0x0b,
    ...get(a), ...set(at), ...get(inner), ...set(left),
    0x03, 0x40, // loop over the inner dimension
    ...Array.from({ length: unroll }, (_, k) => step(k)).flat(),
    ...advance(at, unroll * 16), ...advance(b, unroll * 32), ...advance(left, -unroll),
    ...get(left), 0x0d, 0x00, 0x0b, // br_if left, end
    ...eachRow(i => [
      ...get(row), ...get(acc(i, 0)), ...store(0), ...get(row), ...get(acc(i, 1)), ...store(16),
    ]),
    ...advance(c, 32), ...advance(strips, -1),
    ...get(strips), 0x0d, 0x00, 0x0b, // br_if strips, end
    0x0b,
  ]
  const locals = [0x02, 3, 0x7f, 11, 0x7b]
  const body = [...locals, ...code]
  const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content]
  const name = (word: string) => [word.length, ...new TextEncoder().encode(word)]
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
    ...section(1, [1, 0x60, 7, ...new Array<number>(7).fill(0x7f), 0]),
    // A shared memory whose limits are those of the memory it is given.
    ...section(2, [1, ...name('env'), ...name('memory'), 0x02, 0x03, ...leb(maximumPages), ...leb(maximumPages)]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('tile'), 0x00, 0x00]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ])
}

/** Unsigned LEB128. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)]
}

/** Signed LEB128. */
function signed(value: number): number[] {
  const rest = value >> 7
  const low = value & 127
  const done = (rest === 0 && !(low & 64)) || (rest === -1 && low & 64)
  return done ? [low] : [low | 128, ...signed(rest)]
}
