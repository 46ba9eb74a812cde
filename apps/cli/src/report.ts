// The last edge: what went wrong, as words on stderr and as an exit status.
import { exitStatus, Fault } from '@switchyard/kinds/fault'
import { wantsColor } from './cli.ts'
import { createColors } from './output/colors.ts'
import { safe } from './output/width.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly verbose: boolean
  readonly color: 'auto' | 'always' | 'never'
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** Details that the message does not tell already. */
export const furtherDetails = ({ message, details }: Pick<Fault, 'message' | 'details'>) =>
  details.filter(detail => detail.message !== '' && (details.length > 1 || !message.includes(detail.message)))

/** Tells the error and answers the exit status of its class; what is no Fault is a fault of ours. */
export function report(
  error: unknown,
  { stderr, env, signal }: Terminal,
  { verbose, color }: Options,
): number {
  const colors = createColors(wantsColor(color, stderr, env))
  const say = (text: string) => void stderr.write(`${text}\n`)
  const fault =
    error instanceof Fault
      ? error
      : new Fault('internal', error instanceof Error ? error.message : String(error), { cause: error })
  // Who pressed Ctrl-C knows it.
  if (fault.code === 'cancelled' && signal.aborted) return exitStatus.cancelled
  say(`${colors.red(`${fault.code}:`)} ${safe(fault.message)}`)
  for (const { path, message } of furtherDetails(fault))
    say(`  ${safe(path === '' ? message : `${path}: ${message}`)}`)
  if (fault.retryAfterSeconds !== undefined) say(`  Try again in ${fault.retryAfterSeconds} s.`)
  if (verbose) {
    if (fault.reason !== fault.code) say(`  reason: ${fault.reason}`)
    const { cause } = fault
    if (isRecord(cause) && typeof cause.requestId === 'string') say(`  request: ${cause.requestId}`)
    else if (cause instanceof Error) say(`  cause: ${safe(cause.stack ?? cause.message)}`)
  } else if (!(error instanceof Fault)) say('  Add -v to see where it happened.')
  return exitStatus[fault.code]
}
