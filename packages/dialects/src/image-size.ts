// How large an image is, by the head of its bytes: PNG, JPEG and WebP, which are what models make.

/** Characters of base64 that hold the head of an image; a JPEG may have much before its size. */
export const headLength = 64 * 1024

const png = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** Width times height; undefined where the head does not tell it. */
export function pixelsOf(base64: string): bigint | undefined {
  const bytes = Buffer.from(base64.slice(0, headLength), 'base64')
  const size = pngSize(bytes) ?? jpegSize(bytes) ?? webpSize(bytes)
  return size && BigInt(size.width) * BigInt(size.height)
}

/** The pixels of `1024x768`; undefined for any other word. */
export function pixelsOfSize(size: string | undefined): bigint | undefined {
  const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(size ?? '') ?? []
  return width === undefined || height === undefined ? undefined : BigInt(width) * BigInt(height)
}

interface Size {
  readonly width: number
  readonly height: number
}

/** The first chunk is IHDR, which begins with width and height. */
function pngSize(bytes: Buffer): Size | undefined {
  if (bytes.length < 24 || !bytes.subarray(0, 8).equals(png)) return undefined
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

/** Segments are walked until one that starts a frame: SOF0 to SOF15 without DHT, JPG and DAC. */
function jpegSize(bytes: Buffer): Size | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined
  for (let at = 2; at + 9 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1] ?? 0
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (frame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) }
    // A fill byte may stand before a marker.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2)
  }
  return undefined
}

/** Lossy, lossless and extended files keep their size in three ways. */
function webpSize(bytes: Buffer): Size | undefined {
  if (bytes.length < 30 || bytes.toString('latin1', 0, 4) !== 'RIFF') return undefined
  const form = bytes.toString('latin1', 8, 16)
  if (form === 'WEBPVP8 ')
    return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
  if (form === 'WEBPVP8L' && bytes[20] === 0x2f) {
    const bits = bytes.readUInt32LE(21)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (form === 'WEBPVP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
  return undefined
}
