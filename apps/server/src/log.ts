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
  return pino({
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: plain, cause: plain },
  })
}

/** What happens all the time: for `SWITCHYARD_LOG_LEVEL=debug`. */
const routine: ReadonlySet<string> = new Set([
  'batch_archived',
  'batch_held',
  'batch_sealed',
  'ran',
  'request',
  'resynced',
  'snapshot_swapped',
  'usage_shipped',
])

/** An `observe` for one plane. */
export function observer(log: Logger, plane: string): (observation: Observation) => void {
  const child = log.child({ plane })
  return observation => {
    const { error, type, ...rest } = observation
    if (error !== undefined) child.warn({ ...rest, err: error }, type)
    else if (worrying.test(type)) child.warn(rest, type)
    else if (routine.has(type)) child.debug(rest, type)
    else child.info(rest, type)
  }
}

/** What an error says, and nothing that it carries: drivers hang connections and statements on theirs. */
function plain(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return { name, code, message, stack, ...(cause !== undefined && { cause: plain(cause) }) }
}
