// Which lines of two texts are the same: a longest common subsequence, and what lies between.

export type LineChange =
  | { readonly type: 'same'; readonly before: number; readonly after: number; readonly text: string }
  | { readonly type: 'removed'; readonly before: number; readonly text: string }
  | { readonly type: 'added'; readonly after: number; readonly text: string }

const linesOf = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))

/** Lines are counted from 1. What is removed stands before what is added in its place. */
export function lineChanges(before: string, after: string): readonly LineChange[] {
  const [old, young] = [linesOf(before), linesOf(after)]
  let start = 0
  while (start < old.length && start < young.length && old[start] === young[start]) start++
  let [oldEnd, youngEnd] = [old.length, young.length]
  while (oldEnd > start && youngEnd > start && old[oldEnd - 1] === young[youngEnd - 1]) {
    oldEnd--
    youngEnd--
  }
  const common = commonLengths(old.slice(start, oldEnd), young.slice(start, youngEnd))
  const changes: LineChange[] = []
  const take = (one: number, other: number) =>
    changes.push({ type: 'same', before: one + 1, after: other + 1, text: old[one] ?? '' })
  for (let index = 0; index < start; index++) take(index, index)
  let [one, other] = [start, start]
  while (one < oldEnd || other < youngEnd) {
    if (one < oldEnd && other < youngEnd && old[one] === young[other]) take(one++, other++)
    else if (
      one < oldEnd &&
      (other === youngEnd ||
        lengthAt(common, one - start + 1, other - start) >= lengthAt(common, one - start, other - start + 1))
    ) {
      changes.push({ type: 'removed', before: one + 1, text: old[one] ?? '' })
      one++
    } else {
      changes.push({ type: 'added', after: other + 1, text: young[other] ?? '' })
      other++
    }
  }
  for (; one < old.length; one++, other++) take(one, other)
  return changes
}

const lengthAt = (lengths: readonly Uint32Array[], one: number, other: number) => lengths[one]?.[other] ?? 0

/** Length of the longest common subsequence of what begins at each pair of places. */
function commonLengths(old: readonly string[], young: readonly string[]): readonly Uint32Array[] {
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint32Array(young.length + 1))
  for (let one = old.length - 1; one >= 0; one--)
    for (let other = young.length - 1; other >= 0; other--) {
      const row = lengths[one]
      if (!row) continue
      row[other] =
        old[one] === young[other]
          ? lengthAt(lengths, one + 1, other + 1) + 1
          : Math.max(lengthAt(lengths, one + 1, other), lengthAt(lengths, one, other + 1))
    }
  return lengths
}

export type Hunk =
  | { readonly type: 'lines'; readonly lines: readonly LineChange[] }
  | { readonly type: 'gap'; readonly count: number }

/** What has changed with so many lines around it; the rest is counted. */
export function hunksOf(changes: readonly LineChange[], around: number): readonly Hunk[] {
  const near = new Set<number>()
  changes.forEach(({ type }, index) => {
    if (type === 'same') return
    for (let other = index - around; other <= index + around; other++) near.add(other)
  })
  const hunks: Hunk[] = []
  let lines: LineChange[] = []
  let count = 0
  const close = () => {
    if (lines.length > 0) hunks.push({ type: 'lines', lines })
    if (count > 0) hunks.push({ type: 'gap', count })
    lines = []
    count = 0
  }
  changes.forEach((change, index) => {
    if (near.has(index)) {
      if (count > 0) close()
      lines.push(change)
    } else {
      if (lines.length > 0) close()
      count++
    }
  })
  close()
  return hunks
}

export interface Pair {
  readonly before?: Exclude<LineChange, { type: 'added' }>
  readonly after?: Exclude<LineChange, { type: 'removed' }>
}

/** Side by side: what was removed beside what was added in its place. */
export function pairsOf(changes: readonly LineChange[]): readonly Pair[] {
  const pairs: Pair[] = []
  let removed: Extract<LineChange, { type: 'removed' }>[] = []
  let added: Extract<LineChange, { type: 'added' }>[] = []
  const close = () => {
    for (let index = 0; index < Math.max(removed.length, added.length); index++) {
      const [before, after] = [removed[index], added[index]]
      pairs.push({ ...(before && { before }), ...(after && { after }) })
    }
    removed = []
    added = []
  }
  for (const change of changes)
    if (change.type === 'removed') removed.push(change)
    else if (change.type === 'added') added.push(change)
    else {
      close()
      pairs.push({ before: change, after: change })
    }
  close()
  return pairs
}
