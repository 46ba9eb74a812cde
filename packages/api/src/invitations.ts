// Invitations: whoever may make accounts and assignments promises them to an e-mail. The one who spends the link chooses
// the password, and the account is made in the inviter's name, with what the inviter holds by then.
import { type DocumentOf, Fault, findKind, type user } from '@switchyard/kinds'
import type {
  Identity,
  IdentityStore,
  Invitation,
  InvitedRole,
  Mailer,
  Peer,
  Store,
  WriteTransaction,
} from '@switchyard/runtime'
import { z } from 'zod'
import { authorize, type Caller, identityOf } from './authorize.ts'
import { base62 } from './base62.ts'
import { readDraft } from './draft.ts'
import { invalid } from './invalid.ts'
import { type Random, sha256 } from './keys.ts'
import { invitationLetter } from './letters.ts'
import { deliver, linkDays } from './links.ts'
import type { ApiObservation } from './observation.ts'
import { passwordProblems } from './password.ts'
import { keyText } from './references.ts'
import type { Answer } from './route.ts'
import { cookieSchema, isOn, type Sessions } from './sessions.ts'
import { freeName } from './setup.ts'
import type { Writer } from './writing.ts'

type User = DocumentOf<typeof user>

export const inviteSchema = z.strictObject({
  email: z
    .email()
    .max(254)
    .transform(email => email.toLowerCase()),
  displayName: z.string().min(1).max(128).optional(),
  roles: z
    .array(
      z.strictObject({
        role: z.string().min(1).max(128).describe('A Role of the workspace, or `platform/NAME`.'),
        workspace: z.string().min(1).max(63).nullable().default(null).describe('Everywhere when absent.'),
      }),
    )
    .max(100)
    .default([])
    .describe('What the person will hold; you must hold it too, now and when the invitation is accepted.'),
  expiresSeconds: z
    .int()
    .min(300)
    .max(30 * 86_400)
    .default(linkDays * 86_400)
    .describe('How long the link works.'),
})

export const acceptSchema = z.strictObject({
  token: z.string().min(1).max(128).describe('From the link.'),
  name: z.string().max(128).optional().describe('How the person is called; any script.'),
  password: z.string().min(1).max(1024),
  cookie: cookieSchema,
})

export const invitationSchema = z.object({
  kind: z.literal('Invitation'),
  id: z.string(),
  email: z.string(),
  displayName: z.string().optional(),
  roles: z.array(z.object({ role: z.string(), workspace: z.string().nullable() })),
  invitedBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
})

export interface InvitationsOptions {
  readonly store: Store
  readonly identity: IdentityStore
  readonly sessions: Sessions
  readonly writer: Writer
  readonly mailer: Mailer | undefined
  readonly observe: (observation: ApiObservation) => void
  readonly uuid: () => string
  readonly random: Random
  /** Public address of this installation. */
  readonly issuer: string
}

const server: Identity = { role: 'control' }

interface Account {
  readonly email: string
  readonly displayName?: string | undefined
  readonly password?: string
  readonly roles: readonly InvitedRole[]
}

export interface Invitations {
  invite(caller: Caller, input: z.output<typeof inviteSchema>): Promise<Answer>
  list(): Promise<Answer>
  withdraw(id: string): Promise<Answer>
  accept(input: z.output<typeof acceptSchema>, peer: Peer): Promise<Answer>
}

export function createInvitations(options: InvitationsOptions): Invitations {
  const { store, identity, sessions, writer, mailer, observe, uuid, random, issuer } = options

  /** The account and its assignments, each under every rule of its kind. */
  async function make(
    tx: WriteTransaction,
    caller: Caller,
    { email, displayName, password, roles }: Account,
    name: string,
  ): Promise<User> {
    const [userKind, assignmentKind] = [findKind('User')!, findKind('RoleAssignment')!]
    authorize(caller, 'user:create', null)
    const draft = readDraft(
      userKind,
      {
        metadata: { name, ...(displayName ? { displayName } : {}) },
        spec: { email, ...(password === undefined ? {} : { password }) },
      },
      { workspace: null },
      undefined,
    )
    const { document } = await writer.insert(tx, userKind, caller, draft, new Map(), false)
    // The inviter need not be one who may read accounts.
    const known = new Map([[keyText({ kind: 'User', workspace: null, name }), document]])
    for (const [place, { role, workspace }] of roles.entries()) {
      authorize(caller, 'role_assignment:create', workspace)
      const metadata = { name: `${name.slice(0, 48)}-invited-${place + 1}`, workspace }
      const spec = { subject: { kind: 'User', name }, role }
      const assignment = readDraft(assignmentKind, { metadata, spec }, { workspace }, undefined)
      await writer.insert(tx, assignmentKind, caller, assignment, known, false)
    }
    return document as User // made by kind just above
  }

  const nameFor = (email: string) =>
    freeName(email, wanted =>
      store.read(server, async tx => !(await tx.get({ kind: 'User', workspace: null, name: wanted }))),
    )

  /** Who acts when the link is spent: the inviter, with what they hold by now. */
  async function inviterOf({ invitedBy, scopes, workspace }: Invitation): Promise<Caller | undefined> {
    const [, kind, place, name] = /^(user|serviceaccount):(?:(.*)\/)?([^/]+)$/.exec(invitedBy) ?? []
    if (name !== undefined) {
      const key =
        kind === 'user'
          ? { kind: 'User', workspace: null, name }
          : { kind: 'ServiceAccount', workspace: place ?? '', name }
      const inviter = await store.read(server, tx => tx.get(key))
      if (!inviter || !isOn(inviter as User)) return undefined // accounts are disabled like users
    }
    return {
      principal: invitedBy,
      grants: await store.grants(invitedBy),
      scopes,
      ...(workspace === undefined ? {} : { workspace }),
      credential: { type: 'operator', hash: '' },
    }
  }

  const gone = () =>
    new Fault(
      'unauthenticated',
      'This invitation was accepted or withdrawn, or has expired. Ask for another.',
      {
        reason: 'invitation_invalid',
      },
    )

  return {
    async invite(caller, { email, displayName, roles, expiresSeconds }) {
      const name = await nameFor(email)
      // Everything that would be refused then is refused now.
      await store.write(identityOf(caller), tx => make(tx, caller, { email, displayName, roles }, name), {
        dryRun: true,
      })
      const token = base62(random(32), 43)
      const { principal, scopes, workspace } = caller
      const invitation = await identity.putInvitation(
        {
          id: uuid(),
          email,
          ...(displayName === undefined ? {} : { displayName }),
          roles,
          invitedBy: principal,
          scopes,
          ...(workspace === undefined ? {} : { workspace }),
        },
        sha256(token),
        expiresSeconds,
      )
      const { expiresAt } = invitation
      const url = `${issuer}/invitation#token=${token}`
      const delivered = await deliver(mailer, invitationLetter({ to: email, url, expiresAt }), url, observe)
      return {
        status: 201,
        headers: { 'cache-control': 'no-store' },
        body: { ...shown(invitation), ...delivered },
      }
    },

    async list() {
      const items = (await identity.invitations()).map(shown)
      return { status: 200, body: { kind: 'InvitationList', items } }
    },

    async withdraw(id) {
      if (!(await identity.withdrawInvitation(id)))
        throw new Fault('not_found', `There is no invitation ${id}.`, { reason: 'invitation_not_found' })
      return { status: 204 }
    },

    async accept({ token, name, password, cookie }, peer) {
      const hash = sha256(token)
      const invitation = await identity.invitation(hash)
      if (!invitation) throw gone()
      // What a person can mend is said before the link is spent.
      const problems = passwordProblems(password, invitation.email, 'password')
      if (problems.length > 0) throw invalid(problems, 'weak_password')
      const inviter = await inviterOf(invitation)
      if (!inviter) throw voided()
      const account = { ...invitation, displayName: name || invitation.displayName, password }
      const free = await nameFor(invitation.email)
      if (!(await identity.takeInvitation(hash))) throw gone()
      try {
        const made = await store.write(identityOf(inviter), tx => make(tx, inviter, account, free))
        // A name that was another's before must not bring sessions of theirs along.
        await identity.endSessionsOf(free)
        return await sessions.open(made.value, { method: 'link', peer, cookie })
      } catch (error) {
        if (error instanceof Fault && error.code === 'denied') throw voided(error)
        await identity.restoreInvitation(invitation, hash)
        throw error
      }
    },
  }

  function shown({ scopes: _scopes, workspace: _workspace, ...invitation }: Invitation) {
    return { kind: 'Invitation', ...invitation }
  }

  function voided(cause?: Fault): Fault {
    return new Fault('denied', 'Whoever invited you may no longer do so. Ask for another invitation.', {
      reason: 'invitation_void',
      ...(cause === undefined ? {} : { cause }),
    })
  }
}
