// The inner loop of matrix multiplication as a WebAssembly module, written instruction by instruction.

/** Rows and columns of C that the loop holds in registers. */
export const tileRows = 4
export const tileColumns = 8
/** Inner steps per loop round; the inner dimension must be a multiple of it. */
export const unroll = 4

/**
 * C = A·B for four rows of C and `strips` times eight columns, or C += A·B when `add` is 1. Addresses and
 * `stride`, the distance of C's rows, are in bytes. A is interleaved: element (i, k) is at 4k + i. B is
 * strips of eight columns: element (k, j) of a strip is at 8k + j.
 */
export type Tile = (
  a: number,
  b: number,
  c: number,
  stride: number,
  inner: number,
  strips: number,
  add: number,
) => void

// The parameters, then the local variables, as numbered by the module.
const [a, b, c, stride, inner, strips, add] = [0, 1, 2, 3, 4, 5, 6]
const [at, left, row] = [7, 8, 9]
const [b0, b1, splat] = [18, 19, 20]
const rows = [0, 1, 2, 3]
const sum = (i: number, half: number) => 10 + i * 2 + half

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const loop = [0x03, 0x40]
const end = 0x0b
const again = [0x0d, 0x00]
const advance = (local: number, bytes: number) => [...get(local), 0x41, ...signed(bytes), 0x6a, ...set(local)]
const load = (offset: number) => [0xfd, 0x00, 0x02, ...leb(offset)]
const loadSplat = (offset: number) => [0xfd, 0x09, 0x02, ...leb(offset)]
const store = (offset: number) => [0xfd, 0x0b, 0x02, ...leb(offset)]
const zero = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0)]
/** Relaxed SIMD: one rounding on a CPU with FMA, two on one without. */
const multiplyAdd = [0xfd, 0x85, 0x02]

const eachRow = (body: (i: number) => readonly number[]) => [
  ...get(c),
  ...set(row),
  ...rows.flatMap(i => [...body(i), ...get(row), ...get(stride), 0x6a, ...set(row)]),
]

// biome-ignore format: one instruction, or a few that belong together, on each line
const step = (k: number) => [
  ...get(b), ...load(k * 32), ...set(b0),
  ...get(b), ...load(k * 32 + 16), ...set(b1),
  ...rows.flatMap(i => [
    ...get(at), ...loadSplat(k * 16 + i * 4), ...set(splat),
    ...get(splat), ...get(b0), ...get(sum(i, 0)), ...multiplyAdd, ...set(sum(i, 0)),
    ...get(splat), ...get(b1), ...get(sum(i, 1)), ...multiplyAdd, ...set(sum(i, 1)),
  ]),
]

// biome-ignore format: one instruction, or a few that belong together, on each line
const tile = [
  ...loop, // over the strips
  ...get(add), 0x04, 0x40, // if: begin with C
  ...eachRow(i => [...get(row), ...load(0), ...set(sum(i, 0)), ...get(row), ...load(16), ...set(sum(i, 1))]),
  0x05, // else: begin with zero
  ...rows.flatMap(i => [...zero, ...set(sum(i, 0)), ...zero, ...set(sum(i, 1))]),
  end,
  ...get(a), ...set(at),
  ...get(inner), ...set(left),
  ...loop, // over the inner dimension
  ...Array.from({ length: unroll }, (_, k) => step(k)).flat(),
  ...advance(at, unroll * 16), ...advance(b, unroll * 32), ...advance(left, -unroll),
  ...get(left), ...again, end,
  ...eachRow(i => [...get(row), ...get(sum(i, 0)), ...store(0), ...get(row), ...get(sum(i, 1)), ...store(16)]),
  ...advance(c, 32), ...advance(strips, -1),
  ...get(strips), ...again, end,
  end,
]

/** The module; it imports `env.memory`, shared and of exactly `pages` pages, and exports `tile`. */
export function assemble(pages: number): Uint8Array {
  const [i32, v128] = [0x7f, 0x7b]
  const body = [2, 3, i32, 11, v128, ...tile]
  const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content]
  const name = (word: string) => [word.length, ...new TextEncoder().encode(word)]
  const parameters = Array.from({ length: 7 }, () => i32)
  const limits = [0x03, ...leb(pages), ...leb(pages)]
  return Uint8Array.from([
    ...magic,
    ...section(1, [1, 0x60, 7, ...parameters, 0]),
    ...section(2, [1, ...name('env'), ...name('memory'), 0x02, ...limits]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('tile'), 0x00, 0x00]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ])
}

/** `\0asm`, version 1. */
const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

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
