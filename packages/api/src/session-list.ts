// Open sessions as their people and administrators see them, and how they are ended.
import { Fault, findKind } from '@switchyard/kinds'
import type { IdentityStore, Session, Store } from '@switchyard/runtime'
import { z } from 'zod'
import { absent, type Caller, identityOf, permits } from './authorize.ts'
import type { Answer } from './route.ts'

export interface SessionListOptions {
  readonly store: Store
  readonly identity: IdentityStore
}

export const openSessionSchema = z.object({
  kind: z.literal('OpenSession'),
  id: z.string(),
  user: z.string(),
  method: z.enum(['password', 'link', 'sso']),
  provider: z.string().optional().describe('IdentityProvider that vouched for it.'),
  createdAt: z.string(),
  seenAt: z.string().describe('When it was refreshed last.'),
  endsAt: z.string(),
  address: z.string().optional(),
  client: z.string().optional().describe('User-Agent.'),
  current: z.boolean().describe('The one that asks.'),
})

const answer = (sessions: readonly Session[], current: string | undefined): Answer => ({
  status: 200,
  headers: { 'cache-control': 'no-store' },
  body: {
    kind: 'OpenSessionList',
    items: sessions.map(session => ({ kind: 'OpenSession', ...session, current: session.id === current })),
  },
})

/** Who has signed in as a person; a key of theirs does not look after their sessions. */
function signedIn({ principal, credential }: Caller): { readonly user: string; readonly session: string } {
  if (credential.type === 'session') return { user: principal.slice('user:'.length), session: credential.id }
  throw new Fault('denied', 'Sign in first: keys and tokens have no sessions of their own.', {
    reason: 'session_needed',
  })
}

const gone = (id: string) =>
  new Fault('not_found', `There is no open session ${id} here.`, { reason: 'session_not_found' })

export async function ownSessions({ identity }: SessionListOptions, caller: Caller): Promise<Answer> {
  const { user, session } = signedIn(caller)
  return answer(await identity.sessionsOf(user), session)
}

export async function endOwn({ identity }: SessionListOptions, caller: Caller, id: string): Promise<Answer> {
  if (!(await identity.endSession(id, signedIn(caller).user))) throw gone(id)
  return { status: 204 }
}

export async function sessionsOf(options: SessionListOptions, caller: Caller, name: string): Promise<Answer> {
  await checkPerson(options, caller, name)
  const current = caller.credential.type === 'session' ? caller.credential.id : undefined
  return answer(await options.identity.sessionsOf(name), current)
}

/** One, or all without an id. */
export async function endSessionsOf(
  options: SessionListOptions,
  caller: Caller,
  name: string,
  id?: string,
): Promise<Answer> {
  await checkPerson(options, caller, name)
  const { identity } = options
  if (id === undefined) await identity.endSessionsOf(name)
  else if (!(await identity.endSession(id, name))) throw gone(id)
  return { status: 204 }
}

async function checkPerson({ store }: SessionListOptions, caller: Caller, name: string): Promise<void> {
  const person = await store.read(identityOf(caller), tx => tx.get({ kind: 'User', workspace: null, name }))
  if (!person || !permits(caller, findKind('User')!, 'read', person)) throw absent('User', name)
}
