// What a person may have meant by a word that is not known.
import { kinds } from '@switchyard/kinds'

/** Edits (insert, delete, replace) between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The word of `known` that is closest, at most 3 edits and a third of the word away; undefined when none is. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let found: string | undefined
  let least = Math.min(3, Math.max(1, Math.floor(word.length / 3))) + 1
  for (const one of known) {
    const away = distance(one.toLowerCase(), word.toLowerCase())
    if (away >= least) continue
    least = away
    found = one
  }
  return found
}

export function unknownKind(name: string): string {
  const plural = new Map(
    kinds.flatMap(({ kind, plural }) => [[kind, kind] as const, [plural, kind] as const]),
  )
  const near = nearest(name, plural.keys())
  const guess = near
    ? `; did you mean ${plural.get(near) ?? near}?`
    : `; there are ${kinds.map(({ kind }) => kind).join(', ')}`
  return `there is no kind ${name}${guess}`
}
