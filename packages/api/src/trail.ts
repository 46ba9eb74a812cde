// What the trail is told of requests: from where and for whom each comes, and every refusal of one. Changes need no
// word from here: the store tells them in their own transaction.
import { type Fault, namePattern } from '@switchyard/kinds'
import {
  type AuditStore,
  DenialTally,
  type NewAudit,
  type Observe,
  type Origin,
  type Tallied,
} from '@switchyard/runtime'
import type { FastifyRequest } from 'fastify'
import type { Caller } from './authorize.ts'
import { isObject } from './merge-patch.ts'
import type { ApiObservation } from './observation.ts'
import type { Location, Row } from './route.ts'

const agentCharacters = 256
const tracePattern = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/

/** `api_key.rotate` of the permission `api_key:rotate`. */
export function actionOf({ action, permission, method, path }: Row): string {
  return action ?? permission?.replace(':', '.') ?? `${method.toLowerCase()} ${path}`
}

export function originOf(
  { id, headers }: Pick<FastifyRequest, 'id' | 'headers'>,
  address: string,
  row: Row | undefined,
  caller: Caller | undefined,
): Origin {
  const trace =
    typeof headers.traceparent === 'string' ? tracePattern.exec(headers.traceparent)?.[1] : undefined
  // Control characters would be kept for years and shown on terminals.
  const agent = headers['user-agent']?.replaceAll(/[^\x20-\x7e]/g, '').slice(0, agentCharacters)
  return {
    request: id,
    address,
    ...(agent ? { agent } : {}),
    ...(trace === undefined ? {} : { trace }),
    ...(row === undefined ? {} : { action: actionOf(row) }),
    ...(row?.permission === undefined ? {} : { rule: row.permission }),
    ...(caller === undefined
      ? {}
      : { principal: caller.principal, method: caller.credential.type, ...credentialOf(caller) }),
  }
}

function credentialOf({ credential }: Caller): Pick<Origin, 'credential'> {
  if (credential.type === 'operator') return {}
  return { credential: credential.type === 'key' ? credential.publicId : credential.id }
}

/** A refusal for want of an identity or of a right, a place that is kept hidden for want of one among them. */
export function isDenial({ code, reason }: Fault): boolean {
  return code === 'unauthenticated' || code === 'denied' || reason === 'workspace_not_found'
}

export interface Denied {
  readonly fault: Fault
  readonly row: Row
  readonly caller: Caller | undefined
  readonly location: Location | undefined
  readonly address: string
  readonly body: unknown
}

export interface DenialsOptions {
  readonly audit: Pick<AuditStore, 'record'>
  readonly now: () => number
  readonly observe: Observe<ApiObservation>
  /** Told whole of one origin and action in a minute; the rest of them is one entry with a count. Default 20. */
  readonly whole?: number
}

export interface Denials extends AsyncDisposable {
  /** Resolves when the refusal was told, or counted. */
  tell(denied: Denied): Promise<void>
}

const minute = 60_000

/** Disposing tells what was only counted. */
export function createDenials({ audit, now, observe, whole = 20 }: DenialsOptions): Denials {
  const tally = new DenialTally<NewAudit>({ now, whole })

  /** False where it could not be told: it is refused all the same, and told with the others of its minute. */
  async function record(one: Tallied<NewAudit>): Promise<boolean> {
    const { entry, count } = one
    try {
      await audit.record(count === 1 ? entry : { ...entry, count })
      return true
    } catch (error) {
      observe({ type: 'denial_not_told', count, error })
      tally.missed(one)
      return false
    }
  }

  async function settle(all = false): Promise<void> {
    const due = [...tally.due(all)]
    for (let one = due.shift(); one; one = due.shift()) if (!(await record(one))) break
    for (const one of due) tally.missed(one)
  }

  const timer = setInterval(() => void settle(), minute / 4)
  timer.unref()

  return {
    async tell(denied) {
      await settle()
      const entry = entryOf(denied)
      const { address: origin } = denied
      const { action } = entry
      if (tally.take(origin, action, entry)) await record({ origin, action, entry, count: 1 })
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await settle(true)
    },
  }
}

function entryOf({ fault, row, caller, location, body }: Denied): NewAudit {
  const action = actionOf(row)
  const { kind } = row
  const name = location?.name?.slice(0, 63)
  return {
    // Anything may stand in an address.
    workspace: namePattern.test(location?.workspace ?? '') ? (location?.workspace ?? null) : null,
    action,
    outcome: action === 'session.create' && fault.reason === 'sign_in_failed' ? 'failed' : 'denied',
    code: fault.code,
    reason: fault.reason,
    ...(row.permission === undefined ? {} : { rule: row.permission }),
    actor: caller?.principal ?? 'system:unknown',
    ...(kind === undefined ? {} : { resource: { kind, ...(name === undefined ? {} : { name }) } }),
    ...(action === 'session.create' ? triedOf(body) : {}),
  }
}

/** The account that somebody tried to sign in to. */
function triedOf(body: unknown): Pick<NewAudit, 'subject'> {
  const email = isObject(body) && typeof body.email === 'string' ? body.email.trim().toLowerCase() : ''
  return email === '' ? {} : { subject: `email:${email.slice(0, 254)}` }
}
