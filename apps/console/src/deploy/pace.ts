// How fast something goes, by what was seen of it.

export interface Look {
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface Pace {
  readonly bytesPerSecond: number
  readonly secondsLeft: number
}

/** Sooner it is a guess. */
const leastSeconds = 1

/** Undefined where too little was seen to tell. */
export function paceOf(first: Look, last: Look, total: number): Pace | undefined {
  const seconds = (last.at - first.at) / 1000
  const bytes = last.bytes - first.bytes
  if (seconds < leastSeconds || bytes <= 0) return undefined
  const bytesPerSecond = bytes / seconds
  return { bytesPerSecond, secondsLeft: Math.max(0, (total - last.bytes) / bytesPerSecond) }
}
