// Turns what went wrong on the way into the one error class: the server's error body, or a network that failed.
import { type Code, codes, type Detail, Fault, httpStatus } from '@switchyard/kinds/fault'
import { isRecord } from './values.ts'

const isCode = (value: unknown): value is Code => codes.some(code => code === value)

function readDetails(value: unknown): Detail[] {
  if (!Array.isArray(value)) return []
  return value.filter(isRecord).map(({ path, rule, message }) => ({
    path: typeof path === 'string' ? path : '',
    rule: typeof rule === 'string' ? rule : 'invalid',
    message: typeof message === 'string' ? message : 'is refused',
  }))
}

/** A Fault from `{"error": {...}}` or from its inside; undefined when the value is no error body. */
export function readFault(value: unknown, status?: number): Fault | undefined {
  const error = isRecord(value) && isRecord(value.error) ? value.error : value
  if (!isRecord(error) || !isCode(error.code)) return undefined
  const { code, reason, message, details, retryAfterSeconds, requestId } = error
  return new Fault(code, typeof message === 'string' ? message : `The server answered ${code}.`, {
    status: status ?? httpStatus[code],
    details: readDetails(details),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof retryAfterSeconds === 'number' && { retryAfterSeconds }),
    ...(typeof requestId === 'string' && { cause: { requestId } }),
  })
}

/** The refusal in a body: ours, or in OpenAI's shape, whose `code` is a word of that dialect. */
export function readRefusal(value: unknown, status: number): Fault | undefined {
  const ours = readFault(value, status)
  if (ours || !isRecord(value) || !isRecord(value.error) || typeof value.error.message !== 'string')
    return ours
  const { message, code } = value.error
  return new Fault(codeOf(status), message, { status, ...(typeof code === 'string' && { reason: code }) })
}

const codeOf = (status: number): Code => codes.find(one => httpStatus[one] === status) ?? 'unavailable'

/** An answer that is not ours: a proxy's page, another program on that port. */
export function foreignAnswer(url: string, status: number, type: string): Fault {
  const shown = type.split(';')[0] || 'an empty body'
  return new Fault(codeOf(status), `${url} answered ${status} with ${shown}: is a Switchyard server there?`, {
    reason: 'foreign_answer',
    status,
  })
}

/** Why a wait ended: a deadline, or somebody who wants no more. */
export function abortFault(signal: AbortSignal): Fault {
  const reason: unknown = signal.reason
  if (reason instanceof Fault) return reason
  if (reason instanceof Error && reason.name === 'TimeoutError')
    return new Fault('deadline', 'No answer in time. Try again, or allow more with --timeout.')
  return new Fault('cancelled', 'Cancelled.')
}

const errorCode = (error: unknown): string => {
  if (!isRecord(error)) return ''
  return typeof error.code === 'string' ? error.code : errorCode(error.cause)
}

/** A sentence for each way in which a connection fails. */
export function networkFault(url: string, error: unknown): Fault {
  if (error instanceof Fault) return error
  const code = errorCode(error)
  const text = error instanceof Error && error.message ? error.message : code
  const unavailable = (message: string) =>
    new Fault('unavailable', message, { reason: 'unreachable', cause: error })
  if (/^(UND_ERR_(HEADERS|BODY)_TIMEOUT)$/.test(code))
    return new Fault('deadline', `${url} took too long to answer. Try again, or allow more with --timeout.`, {
      cause: error,
    })
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return unavailable(`Cannot find the host of ${url}: check the name and the network.`)
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/.test(code))
    return unavailable(
      `The certificate of ${url} is not trusted (${text}). NODE_EXTRA_CA_CERTS names a private CA.`,
    )
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE')
    return unavailable(`The connection to ${url} was cut. Try again.`)
  return unavailable(`Cannot reach ${url} (${code || text}): is it running? \`switchyard up\` starts it.`)
}
