// Asks a child whether it is alive and what it is doing, over loopback; a failed question is an answer too.
import { request } from 'node:http'

/** Status and body of a GET; undefined when there was no answer in time. Never rejects. */
export function ask(
  port: number,
  path: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string } | undefined> {
  return new Promise(resolve => {
    const whole = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const asked = request({ host: '127.0.0.1', port, path, agent: false, signal: whole }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        body += part
        if (body.length > 4 << 20) asked.destroy()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('close', () => resolve(undefined))
    })
    asked.on('error', () => resolve(undefined))
    asked.end()
  })
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
  signals: readonly { readonly signal: string; readonly metric: string }[],
  found: ReadonlyMap<string, number>,
): number | undefined {
  const values = signals
    .filter(({ signal }) => signal === name)
    .map(({ metric }) => found.get(metric) ?? found.get(metric.replaceAll(':', '_')))
    .filter(value => value !== undefined)
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0)
}
