// Rows of signing in by an identity provider.
import { z } from 'zod'
import { nowhere, open, peerOf, type Row } from './route.ts'
import { sessionSchema } from './sessions.ts'
import { exchangeSchema, type Sso, startSchema } from './sso.ts'
import { ssoRefusedPage } from './sso-page.ts'

export interface SsoRowsOptions {
  readonly sso: Sso
}

export function ssoRows({ sso }: SsoRowsOptions): readonly Row[] {
  const refused = ssoRefusedPage
  return [
    open(
      'one chooses how to sign in before one is known',
      {
        method: 'GET',
        path: '/api/v1/sso',
        action: 'sso.read',
        doc: 'The identity providers that people sign in by.',
        locate: nowhere,
        output: [
          {
            status: 200,
            doc: 'Their names.',
            schema: z.object({
              kind: z.literal('SignInList'),
              items: z.array(z.object({ name: z.string(), displayName: z.string().nullable() })),
            }),
          },
        ],
      },
      {},
      () => sso.list(),
    ),
    open(
      'one signs in here',
      {
        method: 'GET',
        path: '/api/v1/sso/{name}/start',
        action: 'sso.start',
        doc: 'Sends the browser to the identity provider.',
        locate: nowhere,
        output: [{ status: 303, doc: 'To the provider.' }],
        refused,
      },
      { query: startSchema },
      ({ params: { name = '' }, query }) => sso.start(name, query),
    ),
    open(
      'the provider vouches for whom it sends back',
      {
        method: 'GET',
        path: '/api/v1/sso/{name}/return',
        action: 'session.create',
        doc: 'Where the identity provider sends the browser back to.',
        locate: nowhere,
        output: [{ status: 303, doc: 'Signed in by a cookie, or to the program that waits.' }],
        refused,
      },
      { query: z.record(z.string(), z.unknown()) },
      ask => sso.finish(ask.params.name ?? '', ask.query, ask.headers.cookie, peerOf(ask)),
    ),
    open(
      'the one-time code is the credential',
      {
        method: 'POST',
        path: '/api/v1/sso/exchange',
        action: 'session.create',
        doc: 'A session for the program that a browser has signed in for.',
        locate: nowhere,
        output: [{ status: 201, doc: 'A session.', schema: sessionSchema }],
      },
      { body: exchangeSchema },
      ask => sso.exchange(ask.body, peerOf(ask)),
    ),
  ]
}
