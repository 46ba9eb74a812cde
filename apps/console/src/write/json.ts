// Values of documents that are being written: read and changed by path, compared, and brought together.

export type Path = readonly (string | number)[]
export type Members = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function valueIn(value: unknown, path: Path): unknown {
  let here = value
  for (const step of path)
    here = Array.isArray(here)
      ? here[Number(step)]
      : isRecord(here) && Object.hasOwn(here, String(step))
        ? here[String(step)]
        : undefined
  return here
}

/** A new value; undefined takes the place away: a member goes, the items of a list move up. */
export function withValue(value: unknown, path: Path, next: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return next
  if (typeof step === 'number') {
    const items: readonly unknown[] = Array.isArray(value) ? value : []
    const inner = withValue(items[step], rest, next)
    return inner === undefined
      ? items.filter((_, place) => place !== step)
      : step < items.length
        ? items.with(step, inner)
        : [...items, inner]
  }
  const { [step]: old, ...others } = isRecord(value) ? value : {}
  const inner = withValue(old, rest, next)
  if (inner === undefined) return others
  // In its place, so that a text made of it changes in one line.
  return isRecord(value) && Object.hasOwn(value, step)
    ? Object.fromEntries(Object.entries(value).map(([key, kept]) => [key, key === step ? inner : kept]))
    : { ...others, [step]: inner }
}

/** Members without a value are no members; their order is no difference. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, place) => isSame(item, other[place]))
  if (isRecord(one) && isRecord(other))
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].every(key =>
      isSame(one[key], other[key]),
    )
  return Object.is(one, other)
}

export interface Merged {
  readonly value: unknown
  /** Where both have changed the same thing; ours stands in the value. */
  readonly overlaps: readonly string[]
}

/** What both sides made of a base: member by member, lists and plain values whole. */
export function merged(base: unknown, ours: unknown, theirs: unknown, at = ''): Merged {
  if (isSame(ours, theirs) || isSame(theirs, base)) return { value: ours, overlaps: [] }
  if (isSame(ours, base)) return { value: theirs, overlaps: [] }
  if (!isRecord(ours) || !isRecord(theirs)) return { value: ours, overlaps: [at] }
  const before = isRecord(base) ? base : {}
  const overlaps: string[] = []
  const members = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap(key => {
    const inner = merged(before[key], ours[key], theirs[key], at === '' ? key : `${at}.${key}`)
    overlaps.push(...inner.overlaps)
    return inner.value === undefined ? [] : [[key, inner.value] as const]
  })
  return { value: Object.fromEntries(members), overlaps }
}
