// The bytes of GGUF version 3 (ggml's docs/gguf.md): tensors as stored, typed metadata, alignment.

/** How matrices are stored; norms are always f32. f16 is 2 bytes a weight, q8_0 34 bytes per 32. */
export type Storage = 'f32' | 'f16' | 'q8_0'

/** Bytes to whose multiple tensors are padded. */
export const alignment = 32
const ids = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const
/** ggml's tensor type, `general.file_type`, and how to encode. */
export const storages = {
  f32: { type: 0, file: 0, encode: (values: Float32Array) => bytesOf(values.slice()) },
  f16: { type: 1, file: 1, encode: (values: Float32Array) => bytesOf(Float16Array.from(values)) },
  q8_0: { type: 8, file: 7, encode: quantize },
} satisfies Record<Storage, { type: number; file: number; encode: (values: Float32Array) => Uint8Array }>

/** ggml's block_q8_0: a half-precision scale, then 32 signed bytes. */
function quantize(values: Float32Array): Uint8Array {
  const out = new Uint8Array((values.length / 32) * 34)
  const view = new DataView(out.buffer)
  for (let block = 0; block < values.length / 32; block++) {
    const part = values.subarray(block * 32, block * 32 + 32)
    const scale = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127
    view.setFloat16(block * 34, scale, true)
    for (const [i, value] of part.entries())
      view.setInt8(block * 34 + 2 + i, scale === 0 ? 0 : Math.round(value / scale))
  }
  return out
}

const bytesOf = (values: Float32Array | Float16Array) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

export type Writer = ReturnType<typeof writer>

/** A pair of metadata, to be written. */
export const text = (key: string, value: string) => (out: Writer) => {
  out.string(key)
  out.u32(ids.string)
  out.string(value)
}
export const u32 = (key: string, value: number) => (out: Writer) => {
  out.string(key)
  out.u32(ids.u32)
  out.u32(value)
}
export const f32 = (key: string, value: number) => (out: Writer) => {
  out.string(key)
  out.u32(ids.f32)
  out.raw(bytesOf(Float32Array.of(value)))
}
export const flag = (key: string, value: boolean) => (out: Writer) => {
  out.string(key)
  out.u32(ids.bool)
  out.raw(Uint8Array.of(value ? 1 : 0))
}
export const texts = (key: string, values: readonly string[]) => (out: Writer) => {
  out.string(key)
  out.u32(ids.array)
  out.u32(ids.string)
  out.u64(values.length)
  for (const value of values) out.string(value)
}
export const i32s = (key: string, values: readonly number[]) => (out: Writer) => {
  out.string(key)
  out.u32(ids.array)
  out.u32(ids.i32)
  out.u64(values.length)
  for (const value of values) out.u32(value)
}

/** A growing little-endian byte string. */
export function writer() {
  let buffer = new Uint8Array(1 << 16)
  let length = 0
  const room = (count: number) => {
    if (length + count > buffer.length) {
      const grown = new Uint8Array(Math.max(buffer.length * 2, length + count))
      grown.set(buffer)
      buffer = grown
    }
    length += count
    return new DataView(buffer.buffer, length - count, count)
  }
  const raw = (bytes: Uint8Array) => {
    room(bytes.length)
    buffer.set(bytes, length - bytes.length)
  }
  const u64 = (value: number) => room(8).setBigUint64(0, BigInt(value), true)
  return {
    raw,
    u64,
    u32: (value: number) => room(4).setUint32(0, value, true),
    string: (value: string) => {
      const bytes = new TextEncoder().encode(value)
      u64(bytes.length)
      raw(bytes)
    },
    align: () => room((alignment - (length % alignment)) % alignment),
    bytes: () => buffer.slice(0, length),
  }
}
