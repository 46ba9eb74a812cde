// Lengths of time as people write them: 30s, 5m, 1h30m, 7d; a bare number is seconds.
import { Fault } from '@switchyard/kinds/fault'

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Whole seconds; `invalid` when the text is no duration. */
export function parseDuration(text: string, flag: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  const parts = [...text.matchAll(/(\d+)([smhdw])/g)]
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text)
    throw new Fault('invalid', `${flag} ${text}: write a duration such as 30s, 5m, 1h30m or 7d.`)
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (seconds[unit ?? ''] ?? 0), 0)
}

/** A moment, RFC 3339: `2026-01-31`, a full time, or a duration counted from now by `sign`. */
export function parseMoment(text: string, flag: string, now: Date, sign: 1 | -1): string {
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const time = new Date(text)
    if (Number.isNaN(time.getTime()))
      throw new Fault('invalid', `${flag} ${text}: there is no such day or time.`)
    return time.toISOString()
  }
  return new Date(now.getTime() + sign * parseDuration(text, flag) * 1000).toISOString()
}
