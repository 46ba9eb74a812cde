// What the trail is told of requests: from where and for whom each comes, and every refusal of one. Changes need no
// word from here: the store tells them in their own transaction.
import { type Fault, namePattern } from '@switchyard/kinds'
import type { AuditStore, NewAudit, Observe, Origin } from '@switchyard/runtime'
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

interface Counted {
  readonly until: number
  told: number
  /** The newest one that was not told, and how many. */
  untold: { readonly entry: NewAudit; readonly count: number } | undefined
}

const minute = 60_000
/** Origins and actions that are told apart; beyond them the oldest is told and forgotten. */
const mostCounted = 10_000

/** Disposing tells what was only counted. */
export function createDenials({ audit, now, observe, whole = 20 }: DenialsOptions): Denials {
  const counted = new Map<string, Counted>()

  async function settle(key: string, one: Counted): Promise<void> {
    counted.delete(key)
    if (!one.untold) return
    const { entry, count } = one.untold
    try {
      await audit.record(count === 1 ? entry : { ...entry, count })
    } catch (error) {
      // It is refused all the same, and told with the next one.
      observe({ type: 'denial_not_told', count, error })
      const standing = counted.get(key) ?? { until: now() + minute, told: whole, untold: undefined }
      counted.set(key, standing)
      standing.untold = { entry, count: count + (standing.untold?.count ?? 0) }
    }
  }

  const due = () => [...counted].filter(([, { until }]) => until <= now())
  const timer = setInterval(() => {
    for (const [key, one] of due()) void settle(key, one)
  }, minute / 4)
  timer.unref()

  return {
    async tell(denied) {
      const entry = entryOf(denied)
      const key = `${denied.address}\0${entry.action}`
      const standing = counted.get(key)
      if (standing && standing.until <= now()) await settle(key, standing)
      const one = counted.get(key) ?? { until: now() + minute, told: 0, untold: undefined }
      if (!counted.has(key)) {
        const [oldest] = counted
        if (oldest && counted.size >= mostCounted) await settle(...oldest)
        counted.set(key, one)
      }
      if (one.told >= whole) {
        one.untold = { entry, count: (one.untold?.count ?? 0) + 1 }
        return
      }
      one.told += 1
      try {
        await audit.record(entry)
      } catch (error) {
        observe({ type: 'denial_not_told', count: 1, error })
        one.untold = { entry, count: (one.untold?.count ?? 0) + 1 }
      }
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      for (const [key, one] of counted) await settle(key, one)
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
