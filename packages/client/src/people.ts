// How people come in and look after their accounts: invitations, links for new passwords, open sessions.
import { Fault } from '@switchyard/kinds'
import type { Exchange } from './exchange.ts'
import { isRecord } from './values.ts'

export interface InviteAsk {
  readonly email: string
  readonly displayName?: string | undefined
  /** Workspace null is everywhere. */
  readonly roles: readonly { readonly role: string; readonly workspace: string | null }[]
  readonly expiresSeconds?: number | undefined
}

/** A one-time link: mailed to its person, or here for whoever made it to hand over. */
export interface OneTimeLink {
  readonly expiresAt: string
  readonly mailed: boolean
  readonly url?: string
}

export interface InvitationRow {
  readonly id: string
  readonly email: string
  readonly roles: readonly { readonly role: string; readonly workspace: string | null }[]
  readonly invitedBy: string
  readonly createdAt: string
  readonly expiresAt: string
}

export interface SessionRow {
  readonly id: string
  readonly user: string
  readonly method: string
  readonly createdAt: string
  readonly seenAt: string
  readonly endsAt: string
  readonly address?: string
  readonly client?: string
  /** The one that asks. */
  readonly current: boolean
}

const another = (what: string) =>
  new Fault('internal', `The server answered with something that is no ${what}. Is it another version?`)

function itemsOf(value: unknown, what: string): readonly Record<string, unknown>[] {
  if (isRecord(value) && Array.isArray(value.items) && value.items.every(isRecord)) return value.items
  throw another(what)
}

function readLink(value: unknown): OneTimeLink {
  if (!isRecord(value) || typeof value.expiresAt !== 'string') throw another('link')
  const { expiresAt, mailed, url } = value
  return { expiresAt, mailed: mailed === true, ...(typeof url === 'string' && { url }) }
}

function readInvitation(row: Record<string, unknown>): InvitationRow {
  const roles = Array.isArray(row.roles) ? row.roles.filter(isRecord) : []
  return {
    id: String(row.id),
    email: String(row.email),
    roles: roles.map(({ role, workspace }) => ({
      role: String(role),
      workspace: typeof workspace === 'string' ? workspace : null,
    })),
    invitedBy: String(row.invitedBy),
    createdAt: String(row.createdAt),
    expiresAt: String(row.expiresAt),
  }
}

function readSession(row: Record<string, unknown>): SessionRow {
  const { address, client } = row
  return {
    id: String(row.id),
    user: String(row.user),
    method: String(row.method),
    createdAt: String(row.createdAt),
    seenAt: String(row.seenAt),
    endsAt: String(row.endsAt),
    ...(typeof address === 'string' && { address }),
    ...(typeof client === 'string' && { client }),
    current: row.current === true,
  }
}

export function peopleCalls(exchange: Exchange) {
  const ofUser = (user: string) => `/api/v1/users/${encodeURIComponent(user)}`
  const sessions = (user: string | undefined) =>
    user === undefined ? '/api/v1/sessions' : `${ofUser(user)}/sessions`
  return {
    async invite(body: InviteAsk): Promise<OneTimeLink> {
      return readLink((await exchange.send({ method: 'POST', path: '/api/v1/invitations', body })).body)
    },
    async invitations(): Promise<readonly InvitationRow[]> {
      const { body } = await exchange.send({ method: 'GET', path: '/api/v1/invitations' })
      return itemsOf(body, 'list of invitations').map(readInvitation)
    },
    async withdrawInvitation(id: string): Promise<void> {
      await exchange.send({ method: 'DELETE', path: `/api/v1/invitations/${encodeURIComponent(id)}` })
    },
    /** A link to set a new password for someone else. */
    async resetPassword(user: string): Promise<OneTimeLink> {
      return readLink((await exchange.send({ method: 'POST', path: `${ofUser(user)}/password-reset` })).body)
    },
    /** One's own. */
    async changePassword(current: string, password: string): Promise<void> {
      await exchange.send({ method: 'PUT', path: '/api/v1/password', body: { current, password } })
    },
    /** Open ones, of whoever asks when no user is named. */
    async sessions(user?: string): Promise<readonly SessionRow[]> {
      const { body } = await exchange.send({ method: 'GET', path: sessions(user) })
      return itemsOf(body, 'list of sessions').map(readSession)
    },
    async endSession(id: string, user?: string): Promise<void> {
      await exchange.send({ method: 'DELETE', path: `${sessions(user)}/${encodeURIComponent(id)}` })
    },
    async endSessionsOf(user: string): Promise<void> {
      await exchange.send({ method: 'DELETE', path: sessions(user) })
    },
  }
}
