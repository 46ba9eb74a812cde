// Heads of images as encoders write them: no more of them than tells their size.

const bytes = (...parts: readonly (string | readonly number[])[]) =>
  Buffer.concat(
    parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  )

const u16 = (n: number) => [n >> 8, n & 255]
const u32 = (n: number) => [...u16(n >>> 16), ...u16(n & 0xffff)]
const le16 = (n: number) => [n & 255, n >> 8]
const le24 = (n: number) => [n & 255, (n >> 8) & 255, n >> 16]
const le32 = (n: number) => [...le16(n & 0xffff), ...le16(n >>> 16)]

export const png = (width: number, height: number): Buffer =>
  bytes('\x89PNG\r\n\x1a\n', u32(13), 'IHDR', u32(width), u32(height), [8, 6, 0, 0, 0])

/** `before` bytes of what a camera says stand before the frame. */
export const jpeg = (width: number, height: number, before = 10): Buffer =>
  bytes(
    [0xff, 0xd8, 0xff, 0xe1, ...u16(before + 2)],
    Array.from({ length: before }, () => 0xc0),
    [0xff, 0xff, 0xc4, ...u16(4), 0, 0, 0xff, 0xc2, ...u16(11), 8, ...u16(height), ...u16(width), 1, 0x11, 0],
  )

const riff = (form: string, rest: readonly number[]) => bytes('RIFF', le32(0), 'WEBP', form, le32(0), rest)

export const webp = {
  lossy: (width: number, height: number) =>
    riff('VP8 ', [0, 0, 0, 0x9d, 0x01, 0x2a, ...le16(width), ...le16(height), 0, 0]),
  lossless: (width: number, height: number) =>
    riff('VP8L', [0x2f, ...le32(((height - 1) << 14) | (width - 1)), 0, 0, 0, 0, 0, 0]),
  extended: (width: number, height: number) =>
    riff('VP8X', [0, 0, 0, 0, ...le24(width - 1), ...le24(height - 1)]),
} as const
