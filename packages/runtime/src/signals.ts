// What an engine says of itself in Prometheus text, by the signals of its record.

/** A metric that counts towards a signal. */
export interface Signal {
  readonly signal: string
  readonly metric: string
}

/** Sums of the samples of each metric in Prometheus text; a metric that is not there is absent. */
export function samples(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const match = /^([A-Za-z_:][\w:]*)(?:\{.*\})?\s+(\S+)/.exec(line)
    const value = Number(match?.[2])
    if (match?.[1] && Number.isFinite(value)) sums.set(match[1], (sums.get(match[1]) ?? 0) + value)
  }
  return sums
}

/** The value of a signal: the sum of its metrics that are there; undefined when none is. */
export function signalOf(
  name: string,
  signals: readonly Signal[],
  found: ReadonlyMap<string, number>,
): number | undefined {
  const values = signals
    .filter(({ signal }) => signal === name)
    .map(({ metric }) => found.get(metric) ?? found.get(metric.replaceAll(':', '_')))
    .filter(value => value !== undefined)
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0)
}
