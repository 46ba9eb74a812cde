// A frame of a segment: length u32, crc32c u32, kind u8, payload. Little-endian; the checksum covers kind and
// payload. An `open` frame holds its event, a `usage` frame the array of its events, both as canonical JSON.
import type { JournalRecord, UsageEvent } from '@switchyard/runtime'
import { crc32c } from './crc32c.ts'

export const headBytes = 9
/** More than any record has: a longer length is taken for damage. */
export const maxPayloadBytes = 16 * 1024 * 1024

const openKind = 1
const usageKind = 2

export type Frame =
  | { readonly kind: 'open'; readonly event: UsageEvent; readonly end: number }
  | { readonly kind: 'skipped'; readonly end: number }
  | { readonly kind: 'usage'; readonly events: readonly UsageEvent[]; readonly end: number }
  /** `needs`: how many bytes from the frame's start would make it whole. */
  | { readonly kind: 'short'; readonly needs: number }
  | { readonly kind: 'bad' }

export function payloadOf(record: JournalRecord): string {
  // Events are made with their members in canonical order, so that this is RFC 8785 already.
  // A template by hand was measured: 1.1 µs with the write in place of 1.4, which is not worth a second form.
  return JSON.stringify(record.kind === 'open' ? record.event : record.events)
}

/** Bytes that the frame of a payload may need at most. */
export function frameBound(payload: string): number {
  return headBytes + payload.length * 3
}

/** Writes a frame at `at`, where `frameBound` bytes are free, and answers its end. */
export function writeFrame(into: Buffer, at: number, kind: JournalRecord['kind'], payload: string): number {
  const end = at + headBytes + into.write(payload, at + headBytes, 'utf8')
  into.writeUInt32LE(end - at - headBytes, at)
  into[at + 8] = kind === 'open' ? openKind : usageKind
  into.writeUInt32LE(crc32c(into, at + 8, end), at + 4)
  return end
}

/** `open` frames are skipped, unread, unless `opens`. */
export function readFrame(bytes: Buffer, at: number, opens: boolean): Frame {
  if (at + headBytes > bytes.length) return { kind: 'short', needs: headBytes }
  const length = bytes.readUInt32LE(at)
  const end = at + headBytes + length
  if (length === 0 || length > maxPayloadBytes) return { kind: 'bad' }
  if (end > bytes.length) return { kind: 'short', needs: end - at }
  if (crc32c(bytes, at + 8, end) !== bytes.readUInt32LE(at + 4)) return { kind: 'bad' }
  if (bytes[at + 8] === openKind && !opens) return { kind: 'skipped', end }
  // The checksum tells that these are the bytes that `writeFrame` wrote, and so of these types.
  const value: unknown = JSON.parse(bytes.toString('utf8', at + headBytes, end))
  if (bytes[at + 8] === openKind) return { kind: 'open', event: value as UsageEvent, end }
  if (bytes[at + 8] === usageKind) return { kind: 'usage', events: value as UsageEvent[], end }
  return { kind: 'bad' }
}
