// The route table: every address of the control plane, in one list.

import type { IdentityStore, UsageStore } from '@switchyard/runtime'
import { z } from 'zod'
import { eventSchema, eventsQuerySchema, listEvents } from './events.ts'
import { endpointLogs, type LogsOptions, logsQuerySchema } from './logs.ts'
import { openApi } from './openapi.ts'
import { type ResourcesOptions, resourceRows } from './resources.ts'
import { guarded, nowhere, open, type Row } from './route.ts'
import type { Tokens } from './session.ts'
import { loginSchema, refreshSchema, type Sessions, sessionSchema } from './sessions.ts'
import { setUp, setupSchema } from './setup.ts'
import { setupPage } from './setup-page.ts'
import { readUsage, usageAnswerSchema, usageQuerySchema } from './usage.ts'

export interface RoutesOptions extends ResourcesOptions, Omit<LogsOptions, 'authenticate'> {
  readonly identity: IdentityStore
  readonly usage: UsageStore
  readonly tokens: Tokens
  readonly sessions: Sessions
  readonly issuer: string
  readonly version: string
  /** Throws or answers what is not ready. */
  readonly ready: () => Promise<readonly string[]>
}

const grantSchema = z.object({ workspace: z.string().nullable(), permission: z.string() })

export function routes(options: RoutesOptions): readonly Row[] {
  const rows: readonly Row[] = [
    ...resourceRows(options),
    ...factRows(options),
    ...sessionRows(options),
    ...serverRows(options),
  ]
  return [...rows, openApiRow(options, rows)]
}

function factRows(options: RoutesOptions): readonly Row[] {
  const eventList = [
    {
      status: 200,
      doc: 'Newest first.',
      schema: z.object({ kind: z.literal('EventList'), items: z.array(eventSchema) }),
    },
  ]
  return [
    guarded(
      { permission: 'event:read' },
      {
        method: 'GET',
        path: '/api/v1/events',
        doc: 'What happened, in every workspace that you may read.',
        locate: nowhere,
        output: eventList,
      },
      { query: eventsQuerySchema },
      ({ caller, query }) => listEvents(options.store, caller, undefined, query),
    ),
    guarded(
      { permission: 'event:read' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/events',
        doc: 'What happened in one workspace.',
        locate: ({ w }) => ({ workspace: w }),
        output: eventList,
      },
      { query: eventsQuerySchema },
      ({ caller, query, params }) => listEvents(options.store, caller, params.w, query),
    ),
    guarded(
      { permission: 'usage:read' },
      {
        method: 'GET',
        path: '/api/v1/usage',
        doc: 'Sums of what was used, by key, model, project, workspace or time.',
        locate: nowhere,
        output: [
          {
            status: 200,
            doc: 'One row for each group; counts are decimal strings.',
            schema: usageAnswerSchema,
          },
        ],
      },
      { query: usageQuerySchema },
      ({ caller, query }) => readUsage(options.usage, caller, query),
    ),
    guarded(
      { permission: 'endpoint:logs' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/endpoints/{name}/logs',
        doc: "Lines of an endpoint's replicas as plain text.",
        locate: ({ w, name = '' }) => ({ workspace: w, name }),
        output: [
          {
            status: 200,
            doc: 'One line each, with the time where it is known.',
            media: 'text/plain',
            schema: z.string(),
          },
        ],
        kind: 'Endpoint',
      },
      { query: logsQuerySchema },
      ({ caller, params, query, headers, requestId, signal }) =>
        endpointLogs(options, {
          accept: headers.accept,
          caller,
          workspace: params.w ?? '',
          name: params.name ?? '',
          query,
          requestId,
          signal,
        }),
    ),
  ]
}

function sessionRows(options: RoutesOptions): readonly Row[] {
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
        doc: 'Sign in with e-mail and password.',
        locate: nowhere,
        output: [session],
      },
      { body: loginSchema },
      ({ body, address }) => sessions.login(body, address),
    ),
    open(
      'the refresh token is the credential',
      {
        method: 'POST',
        path: '/api/v1/sessions/refresh',
        doc: 'A fresh access token, and the next refresh token.',
        locate: nowhere,
        output: [{ ...session, status: 200 }],
      },
      { body: refreshSchema },
      ({ body, headers }) =>
        sessions.refresh(body, {
          ...(headers.cookie === undefined ? {} : { cookie: headers.cookie }),
          ...(headers.origin === undefined ? {} : { origin: headers.origin }),
        }),
    ),
    guarded(
      { self: 'one ends one’s own session' },
      {
        method: 'DELETE',
        path: '/api/v1/sessions',
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
        doc: 'Make the first administrator.',
        locate: nowhere,
        output: [session],
      },
      { body: setupSchema },
      ({ body }) => setUp(options, body),
    ),
    open(
      'the page holds nothing; the link is spent by its POST',
      {
        method: 'GET',
        path: '/setup',
        doc: 'The set-up form.',
        locate: nowhere,
        output: [{ status: 200, doc: 'A page.', media: 'text/html', schema: z.string() }],
      },
      {},
      async () => setupPage(),
    ),
  ]
}

function serverRows({ tokens, version, ready }: RoutesOptions): readonly Row[] {
  return [
    open(
      'public keys',
      {
        method: 'GET',
        path: '/.well-known/jwks.json',
        doc: 'Keys that verify session tokens.',
        locate: nowhere,
        output: [
          {
            status: 200,
            doc: 'A JWK set.',
            schema: z.object({ keys: z.array(z.record(z.string(), z.json())) }),
          },
        ],
      },
      {},
      async () => ({
        status: 200,
        headers: { 'cache-control': 'public, max-age=300' },
        body: await tokens.jwks(),
      }),
    ),
    open(
      'health checks carry no credential',
      {
        method: 'GET',
        path: '/healthz',
        doc: 'Whether the process runs.',
        locate: nowhere,
        output: [{ status: 200, doc: 'It runs.', schema: z.object({ status: z.literal('ok') }) }],
      },
      {},
      async () => ({ status: 200, body: { status: 'ok' } }),
    ),
    open(
      'health checks carry no credential',
      {
        method: 'GET',
        path: '/readyz',
        doc: 'Whether requests can be served.',
        locate: nowhere,
        output: [
          {
            status: 200,
            doc: 'They can.',
            schema: z.object({ status: z.string(), waitingFor: z.array(z.string()) }),
          },
        ],
      },
      {},
      async () => {
        const waitingFor = await ready()
        const isReady = waitingFor.length === 0
        return { status: isReady ? 200 : 503, body: { status: isReady ? 'ready' : 'not ready', waitingFor } }
      },
    ),
    open(
      'clients compare versions before they sign in',
      {
        method: 'GET',
        path: '/version',
        doc: 'Version of the server.',
        locate: nowhere,
        output: [{ status: 200, doc: 'Its version.', schema: z.object({ version: z.string() }) }],
      },
      {},
      async () => ({ status: 200, body: { version } }),
    ),
  ]
}

/** The description describes itself too; it is made once, with the first request. */
function openApiRow({ version, issuer }: RoutesOptions, others: readonly Row[]): Row {
  let made: unknown
  const row: Row = open(
    'the description of the API is no secret',
    {
      method: 'GET',
      path: '/api/v1/openapi.json',
      doc: 'This description.',
      locate: nowhere,
      output: [{ status: 200, doc: 'OpenAPI 3.1.', schema: z.record(z.string(), z.json()) }],
    },
    {},
    async () => {
      made ??= openApi([...others, row], { version, url: issuer })
      return { status: 200, body: made }
    },
  )
  return row
}
