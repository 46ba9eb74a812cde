// Rows of how people come in and look after their accounts: invitations, new passwords, open sessions.
import { z } from 'zod'
import { acceptSchema, type Invitations, invitationSchema, inviteSchema } from './invitations.ts'
import { deliveredSchema } from './links.ts'
import { pageRow } from './page.ts'
import {
  askResetSchema,
  changePasswordSchema,
  type PasswordChanges,
  redeemedSchema,
  redeemSchema,
} from './password-changes.ts'
import { invitationPage, resetPage } from './people-pages.ts'
import { type Ask, guarded, nowhere, open, peerOf, type Row } from './route.ts'
import {
  endOwn,
  endSessionsOf,
  openSessionSchema,
  ownSessions,
  type SessionListOptions,
  sessionsOf,
} from './session-list.ts'
import { sessionSchema } from './sessions.ts'

export interface PeopleOptions extends SessionListOptions {
  readonly invitations: Invitations
  readonly passwordChanges: PasswordChanges
}

const onPlatform = () => ({ workspace: null })
const ofPerson = ({ name = '' }: Ask['params']) => ({ workspace: null, name })
const ended = { status: 204, doc: 'It has ended, or all have.' }
const listed = {
  status: 200,
  doc: 'The one seen last first.',
  schema: z.object({ kind: z.literal('OpenSessionList'), items: z.array(openSessionSchema) }),
}

export function peopleRows(options: PeopleOptions): readonly Row[] {
  return [...invitationRows(options), ...passwordRows(options), ...openSessionRows(options)]
}

function invitationRows({ invitations }: PeopleOptions): readonly Row[] {
  return [
    guarded(
      { permission: 'user:create' },
      {
        method: 'POST',
        path: '/api/v1/invitations',
        action: 'invitation.create',
        doc: 'Invite a person, with roles that you hold; a new invitation replaces the old one of the same e-mail.',
        locate: onPlatform,
        output: [
          {
            status: 201,
            doc: 'The invitation, and the link where it was not mailed.',
            schema: invitationSchema.extend(deliveredSchema.shape),
          },
        ],
      },
      { body: inviteSchema },
      ({ caller, body }) => invitations.invite(caller, body),
    ),
    guarded(
      { permission: 'user:create' },
      {
        method: 'GET',
        path: '/api/v1/invitations',
        action: 'invitation.read',
        doc: 'Invitations that still stand.',
        locate: onPlatform,
        output: [
          {
            status: 200,
            doc: 'Newest first, without their links.',
            schema: z.object({ kind: z.literal('InvitationList'), items: z.array(invitationSchema) }),
          },
        ],
      },
      {},
      () => invitations.list(),
    ),
    guarded(
      { permission: 'user:create' },
      {
        method: 'DELETE',
        path: '/api/v1/invitations/{id}',
        action: 'invitation.withdraw',
        doc: 'Withdraw an invitation: its link works no more.',
        locate: ({ id = '' }) => ({ workspace: null, name: id }),
        output: [{ status: 204, doc: 'It is withdrawn.' }],
      },
      {},
      ({ params: { id = '' } }) => invitations.withdraw(id),
    ),
    open(
      'the one-time link is the credential',
      {
        method: 'POST',
        path: '/api/v1/invitations/accept',
        action: 'invitation.accept',
        doc: 'Accept an invitation: choose a password and be signed in.',
        locate: nowhere,
        output: [{ status: 201, doc: 'A session of the new account.', schema: sessionSchema }],
      },
      { body: acceptSchema },
      ask => invitations.accept(ask.body, peerOf(ask)),
    ),
    pageRow('/invitation', 'The form that accepts an invitation.', invitationPage),
  ]
}

function passwordRows({ passwordChanges }: PeopleOptions): readonly Row[] {
  return [
    guarded(
      { permission: 'user:update' },
      {
        method: 'POST',
        path: '/api/v1/users/{name}/password-reset',
        action: 'password_reset.create',
        doc: 'A one-time link to set a new password for a person whose rights you hold; it replaces an earlier one.',
        locate: ofPerson,
        output: [
          {
            status: 201,
            doc: 'The link, where it was not mailed.',
            schema: z.object({
              kind: z.literal('PasswordResetLink'),
              user: z.string(),
              expiresAt: z.string(),
              ...deliveredSchema.shape,
            }),
          },
        ],
      },
      {},
      ({ caller, params: { name = '' } }) => passwordChanges.link(caller, name),
    ),
    open(
      'whoever has lost the password has no credential',
      {
        method: 'POST',
        path: '/api/v1/password-resets',
        action: 'password_reset.ask',
        doc: 'Ask for a link to set a new password. The answer does not tell whether there is such an account.',
        locate: nowhere,
        output: [
          {
            status: 202,
            doc: 'If there is such an account, a letter is on its way.',
            schema: z.object({ kind: z.literal('PasswordResetAsked') }),
          },
          { status: 501, doc: 'This server sends no mail.', schema: { component: 'Error' } },
        ],
      },
      { body: askResetSchema },
      ask => passwordChanges.ask(ask.body.email, peerOf(ask)),
    ),
    open(
      'the one-time link is the credential',
      {
        method: 'POST',
        path: '/api/v1/password-resets/redeem',
        action: 'password_reset.redeem',
        doc: 'Set a new password by a link; every session of the account ends.',
        locate: nowhere,
        output: [{ status: 200, doc: 'Whose password it is.', schema: redeemedSchema }],
      },
      { body: redeemSchema },
      ({ body }) => passwordChanges.redeem(body),
    ),
    guarded(
      { self: 'one changes one’s own password, knowing the old one' },
      {
        method: 'PUT',
        path: '/api/v1/password',
        action: 'password.change',
        doc: 'Change your password; every other session of yours ends.',
        locate: nowhere,
        output: [{ status: 204, doc: 'It is changed.' }],
      },
      { body: changePasswordSchema },
      ask => passwordChanges.change(ask.caller, ask.body, peerOf(ask)),
    ),
    pageRow('/reset', 'The form that sets a new password.', resetPage),
  ]
}

function openSessionRows(options: PeopleOptions): readonly Row[] {
  return [
    guarded(
      { self: 'one may know where one is signed in' },
      {
        method: 'GET',
        path: '/api/v1/sessions',
        action: 'session.read',
        doc: 'Your open sessions.',
        locate: nowhere,
        output: [listed],
      },
      {},
      ({ caller }) => ownSessions(options, caller),
    ),
    guarded(
      { self: 'one ends one’s own sessions' },
      {
        method: 'DELETE',
        path: '/api/v1/sessions/{id}',
        action: 'session.revoke',
        doc: 'End one of your sessions.',
        locate: ({ id = '' }) => ({ workspace: undefined, name: id }),
        output: [ended],
      },
      {},
      ({ caller, params: { id = '' } }) => endOwn(options, caller, id),
    ),
    guarded(
      { permission: 'user:read' },
      {
        method: 'GET',
        path: '/api/v1/users/{name}/sessions',
        action: 'session.read',
        doc: "A person's open sessions.",
        locate: ofPerson,
        output: [listed],
      },
      {},
      ({ caller, params: { name = '' } }) => sessionsOf(options, caller, name),
    ),
    guarded(
      { permission: 'user:update' },
      {
        method: 'DELETE',
        path: '/api/v1/users/{name}/sessions',
        action: 'session.revoke',
        doc: 'End every session of a person.',
        locate: ofPerson,
        output: [ended],
      },
      {},
      ({ caller, params: { name = '' } }) => endSessionsOf(options, caller, name),
    ),
    guarded(
      { permission: 'user:update' },
      {
        method: 'DELETE',
        path: '/api/v1/users/{name}/sessions/{id}',
        action: 'session.revoke',
        doc: 'End one session of a person.',
        locate: ({ name = '', id = '' }) => ({ workspace: null, name: `${name}/${id}` }),
        output: [ended],
      },
      {},
      ({ caller, params: { name = '', id } }) => endSessionsOf(options, caller, name, id),
    ),
  ]
}
