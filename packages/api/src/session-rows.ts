// Rows of signing in, of who one is, and of the first administrator.
import { z } from 'zod'
import { pageRow } from './page.ts'
import { guarded, nowhere, open, peerOf, type Row } from './route.ts'
import { loginSchema, refreshSchema, sessionSchema } from './sessions.ts'
import { type SetupOptions, setUp, setupSchema } from './setup.ts'
import { setupPage } from './setup-page.ts'

export type SessionRowsOptions = SetupOptions

const grantSchema = z.object({ workspace: z.string().nullable(), permission: z.string() })

export function sessionRows(options: SessionRowsOptions): readonly Row[] {
  const { sessions } = options
  const session = {
    status: 201,
    doc: 'A session: an access token of 10 minutes and the token that refreshes it.',
    schema: sessionSchema,
  }
  return [
    open(
      'one signs in here',
      {
        method: 'POST',
        path: '/api/v1/sessions',
        action: 'session.create',
        doc: 'Sign in with e-mail and password.',
        locate: nowhere,
        output: [session],
      },
      { body: loginSchema },
      ask => sessions.login(ask.body, peerOf(ask)),
    ),
    open(
      'the refresh token is the credential',
      {
        method: 'POST',
        path: '/api/v1/sessions/refresh',
        action: 'session.refresh',
        doc: 'A fresh access token, and the next refresh token.',
        locate: nowhere,
        output: [{ ...session, status: 200 }],
      },
      { body: refreshSchema },
      ask => sessions.refresh(ask.body, ask.headers, peerOf(ask)),
    ),
    guarded(
      { self: 'one ends one’s own session' },
      {
        method: 'DELETE',
        path: '/api/v1/sessions',
        action: 'session.end',
        doc: 'Sign out.',
        locate: nowhere,
        output: [{ status: 204, doc: 'The session has ended.' }],
      },
      {},
      ({ caller }) => sessions.logout(caller),
    ),
    guarded(
      { self: 'one may know who one is' },
      {
        method: 'GET',
        path: '/api/v1/whoami',
        doc: 'Who you are and what you hold.',
        locate: nowhere,
        output: [
          {
            status: 200,
            doc: 'Your principal and grants, narrowed by scopes and workspace.',
            schema: z.object({
              kind: z.literal('Caller'),
              principal: z.string(),
              credential: z.enum(['session', 'key', 'operator']),
              scopes: z.array(z.string()),
              workspace: z.string().nullable(),
              grants: z.array(grantSchema),
            }),
          },
        ],
      },
      {},
      async ({ caller: { principal, credential, scopes, workspace, grants } }) => ({
        status: 200,
        body: {
          kind: 'Caller',
          principal,
          credential: credential.type,
          scopes,
          workspace: workspace ?? null,
          grants,
        },
      }),
    ),
    open(
      'the one-time link is the credential',
      {
        method: 'POST',
        path: '/api/v1/setup',
        action: 'setup.use',
        doc: 'Make the first administrator.',
        locate: nowhere,
        output: [session],
      },
      { body: setupSchema },
      ask => setUp(options, ask.body, peerOf(ask)),
    ),
    pageRow('/setup', 'The set-up form.', setupPage),
  ]
}
