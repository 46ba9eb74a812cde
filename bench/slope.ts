// Whether what was sampled over a while goes up, and how sure that is.

export interface Point {
  /** Minutes. */
  readonly at: number
  readonly value: number
}

export interface Slope {
  readonly level: number
  /** Each minute, by least squares. */
  readonly up: number
  /** Twice its standard error; without end where too little was seen. */
  readonly doubt: number
}

/** Judged together, by their mean: memory stays for a while where it is, and such neighbours would be taken for proof. */
export const judgedTogether = 30
export const fewestJudged = 4

const mean = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length

/** Of points at even distances. */
export function slope(points: readonly Point[]): Slope {
  const level = mean(points.map(({ value }) => value))
  const judged: Point[] = []
  for (let end = judgedTogether; end <= points.length; end += judgedTogether) {
    const some = points.slice(end - judgedTogether, end)
    judged.push({ at: mean(some.map(({ at }) => at)), value: mean(some.map(({ value }) => value)) })
  }
  if (judged.length < fewestJudged) return { level, up: 0, doubt: Number.POSITIVE_INFINITY }
  const middle = mean(judged.map(({ at }) => at))
  const height = mean(judged.map(({ value }) => value))
  const spread = judged.reduce((sum, { at }) => sum + (at - middle) ** 2, 0)
  const up = judged.reduce((sum, { at, value }) => sum + (at - middle) * (value - height), 0) / spread
  const rest = judged.reduce((sum, { at, value }) => sum + (value - height - up * (at - middle)) ** 2, 0)
  return { level, up, doubt: 2 * Math.sqrt(rest / (judged.length - 2) / spread) }
}
