// One line for each request that has ended. It names who asked, by the public id of the key, and what became of it:
// never what was asked or answered, and nothing that a request carries for secrecy.
import type { RequestEnded } from '@switchyard/gateway'
import type { Logger } from 'pino'

export interface AccessLogOptions {
  /** `sampled`: what has gone wrong, and a share of the rest. */
  readonly mode: 'on' | 'off' | 'sampled'
  /** That share, 0 to 1. */
  readonly ratio: number
  /** From 0 up to 1. */
  readonly random: () => number
}

const nothing = (): void => undefined

/** Takes each request as it has ended. */
export function accessLog(log: Logger, options: AccessLogOptions): (request: RequestEnded) => void {
  const { mode, ratio, random } = options
  if (mode === 'off') return nothing
  const child = log.child({ plane: 'gateway' })
  return request => {
    if (mode === 'sampled' && fine(request) && random() >= ratio) return
    child.info(line(request), 'request')
  }
}

const fine = ({ end, status }: RequestEnded): boolean => end === 'done' && status < 400

function line(request: RequestEnded): object {
  const { milliseconds, waited, firstContent, usage, tries } = request
  return {
    request: request.request,
    callerId: request.callerId,
    client: request.client === '' ? undefined : request.client,
    trace: request.traceparent === undefined ? undefined : traceOf(request.traceparent),
    key: request.key,
    workspace: request.workspace,
    project: request.project ?? undefined,
    dialect: request.caller,
    operation: request.operation,
    route: request.route,
    model: request.model === request.route ? undefined : request.model,
    upstream: request.upstream,
    attempts: request.attempts,
    failed: tries.length > 1 ? tries.filter(failed).map(said) : undefined,
    cache: request.cache,
    fallback: request.detour,
    status: request.status,
    end: request.end,
    reason: request.reason,
    stream: request.streamed,
    bytesIn: request.bytesIn,
    bytesOut: request.bytesOut,
    tokens: usage && countsOf(usage, true),
    used: usage && countsOf(usage, false),
    counted: usage?.source,
    ms: round(milliseconds),
    overheadMs: round(Math.max(0, milliseconds - waited)),
    firstMs: firstContent === undefined ? undefined : round(firstContent),
    warning: request.warning,
  }
}

type Tried = RequestEnded['tries'][number]

const failed = ({ outcome }: Tried): boolean => outcome !== 'answered'
const said = ({ upstream, outcome, status }: Tried): string =>
  `${upstream} ${outcome}${outcome === 'status' ? ` ${status}` : ''}`

/** Counts of tokens or of what is none, as numbers: JSON has no larger ones. Undefined where there are none. */
function countsOf(
  { quantities }: NonNullable<RequestEnded['usage']>,
  tokens: boolean,
): Record<string, number> | undefined {
  const counts = Object.entries(quantities).filter(([unit]) => unit.startsWith('tok.') === tokens)
  return counts.length === 0 ? undefined : Object.fromEntries(counts.map(([unit, n]) => [unit, Number(n)]))
}

const traceForm = /^[0-9a-f]{2}-([0-9a-f]{32})-/
const traceOf = (traceparent: string): string | undefined => traceForm.exec(traceparent)?.[1]

/** Whole microseconds. */
const round = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000
