// What PostgreSQL says, as faults: one table from SQLSTATE to code. No fault's message holds SQL, a table's
// name or a row; the cause keeps them for the server's own log.
import { type Code, Fault } from '@switchyard/kinds'
import { DatabaseError } from 'pg'

interface Row {
  readonly code: Code
  readonly reason: string
  /** null: the message was raised by one of our own triggers, for a person. */
  readonly message: string | null
  readonly retryAfterSeconds?: number
}

const away: Row = {
  code: 'unavailable',
  reason: 'database_away',
  message: 'The database cannot be reached right now: try again in a moment.',
  retryAfterSeconds: 1,
}
const busy: Row = {
  code: 'unavailable',
  reason: 'busy',
  message: 'Another change of the same documents is in progress: try again in a moment.',
  retryAfterSeconds: 1,
}
const denied: Row = { code: 'denied', reason: 'denied', message: 'You may not change this here.' }
const badValue: Row = {
  code: 'invalid',
  reason: 'bad_value',
  message: 'A value cannot be stored: use text without zero characters and numbers within bounds.',
}

const states: Readonly<Record<string, Row>> = {
  SY400: { code: 'invalid', reason: 'invalid', message: null },
  SY403: { code: 'denied', reason: 'denied', message: null },
  SY404: { code: 'not_found', reason: 'not_found', message: null },
  SY409: { code: 'conflict', reason: 'terminating', message: null },
  SYGNT: { code: 'denied', reason: 'grant_not_held', message: null },
  SYQTA: { code: 'exhausted', reason: 'quota_exceeded', message: null },
  SYRSV: { code: 'conflict', reason: 'reserved', message: null },
  SYADM: { code: 'conflict', reason: 'last_admin', message: null },
  '23505': {
    code: 'conflict',
    reason: 'taken',
    message: 'Another document has this name or e-mail already: choose another.',
  },
  '23P01': {
    code: 'conflict',
    reason: 'overlap',
    message: 'Another price for the same requests holds at the same time: end one before the other begins.',
  },
  '23514': badValue,
  '23502': badValue,
  '42501': denied,
  '40001': busy,
  '40P01': busy,
  '55P03': busy,
  '53300': {
    ...away,
    reason: 'database_full',
    message: 'The database has no free connection: try again in a moment.',
  },
  '57014': {
    ...busy,
    reason: 'too_slow',
    message: 'The database took too long: try again, or ask for less.',
  },
  '57P01': away,
  '57P02': away,
  '57P03': away,
  '25P03': busy,
}

/** Rows for whole classes, by the first two characters. */
const classes: Readonly<Record<string, Row>> = {
  '08': away,
  '22': badValue,
  '53': {
    code: 'unavailable',
    reason: 'database_full',
    message: 'The database is out of disk, memory or connections: see its log.',
  },
}

const unknown: Row = {
  code: 'internal',
  reason: 'database',
  message: 'The database refused this in a way that Switchyard does not know: see the log of the server.',
}

const lost = /terminated|timeout exceeded|Connection ended|not queryable|connection error|Client was closed/i
const lostCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
])

/** Any error of a transaction as a Fault; a Fault stays, and what is not the database's rises untouched. */
export function faultOf(error: unknown): unknown {
  if (error instanceof Fault) return error
  if (!(error instanceof Error)) return error
  if (error instanceof DatabaseError) return ofState(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (lostCodes.has(code) || lost.test(error.message)) return toFault(away, error)
  return error
}

/** Of what a Quota refused too much: `replicas`, or a flavor of devices; undefined for anything else. */
export const refusedByQuota = (error: unknown): string | undefined =>
  error instanceof DatabaseError && error.code === 'SYQTA' ? error.detail : undefined

/** Whether the same work may succeed when it is simply done again. */
export function isTransient(error: unknown): boolean {
  const fault = faultOf(error)
  return fault instanceof Fault && fault.code === 'unavailable'
}

function ofState(error: DatabaseError): Fault {
  const state = error.code ?? ''
  if (state === '23503')
    return error.constraint === 'refs_target' && error.table === 'refs'
      ? new Fault('conflict', 'A document that this one refers to has just been removed: read again.', {
          reason: 'reference_gone',
          cause: error,
        })
      : new Fault('conflict', 'Other documents still refer to this one: remove them first.', {
          reason: 'in_use',
          cause: error,
        })
  return toFault(states[state] ?? classes[state.slice(0, 2)] ?? unknown, error)
}

function toFault({ code, reason, message, retryAfterSeconds }: Row, error: Error): Fault {
  return new Fault(code, message ?? error.message, {
    reason,
    cause: error,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}
