// A value of a document as the text of one cell.

export function readPath(value: unknown, path: string): unknown {
  let current = value
  for (const part of path.split('.')) {
    if (typeof current !== 'object' || current === null) return undefined
    current = (current as Record<string, unknown>)[part] // any object may be read by a key
  }
  return current
}

const steps = [
  { unit: 'd', seconds: 86_400, upTo: 365 * 86_400 },
  { unit: 'h', seconds: 3600, upTo: 48 * 3600 },
  { unit: 'm', seconds: 60, upTo: 120 * 60 },
  { unit: 's', seconds: 1, upTo: 120 },
] as const

/** `45s`, `12m`, `5h`, `9d`, `2y`: one unit, rounded down. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const step = steps.findLast(({ upTo }) => seconds < upTo)
  if (!step) return `${Math.floor(seconds / (365 * 86_400))}y`
  return `${Math.floor(seconds / step.seconds)}${step.unit}`
}

const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** A moment as a person reads it: `5m ago`, `in 3d`. */
export function relative(time: string, now: Date): string {
  const away = new Date(time).getTime() - now.getTime()
  return away > 0 ? `in ${span(away)}` : `${span(-away)} ago`
}

/** `most` items of a list are shown, the others are counted. */
export function cell(value: unknown, now: Date, most = Number.POSITIVE_INFINITY): string {
  if (value === undefined || value === null || value === '') return '-'
  if (typeof value === 'string') return moment.test(value) ? relative(value, now) : value
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value)
  if (!Array.isArray(value)) return JSON.stringify(value)
  if (value.length === 0) return '-'
  const shown = value.slice(0, most).map(item => cell(item, now))
  return value.length > most ? `${shown.join(',')} +${value.length - most}` : shown.join(',')
}
