// Structured logs: every observation of every plane becomes one line. Secrets live in no observation.
import pino, { type Logger } from 'pino'
import type { Settings } from './settings.ts'

interface Observation {
  readonly type: string
  readonly error?: unknown
}

/** Types that a person should look at; the rest is for whoever follows what happens. */
const worrying = /(failed|error|stale|lost|quarantined|unavailable|crash)/

export function createLog({ logLevel }: Pick<Settings, 'logLevel'>): Logger {
  return pino({ level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime })
}

/** An `observe` for one plane. */
export function observer(log: Logger, plane: string): (observation: Observation) => void {
  const child = log.child({ plane })
  return observation => {
    const { error, ...rest } = observation
    if (error !== undefined) child.warn({ ...rest, err: error }, observation.type)
    else if (worrying.test(observation.type)) child.warn(rest, observation.type)
    else child.debug(rest, observation.type)
  }
}
