// Rows of the server itself: its front page, health, version, metrics, public keys and description.
import { Fault } from '@switchyard/kinds'
import { z } from 'zod'
import { home, homeSchema } from './home-page.ts'
import { openApi } from './openapi.ts'
import { guarded, nowhere, open, type Row } from './route.ts'
import type { Tokens } from './session.ts'

/** Whether requests can be served, in words for a person. */
export interface Readiness {
  /** They cannot until these are there; none when empty. */
  readonly waitingFor: readonly string[]
  /** They can, but not all is well. */
  readonly degraded: readonly string[]
}

export interface ServerOptions {
  readonly tokens: Tokens
  /** Public address of this installation. */
  readonly issuer: string
  readonly version: string
  readonly ready: () => Promise<Readiness>
  /** What Prometheus reads, in its text format. */
  readonly metrics: (() => string) | undefined
}

export function serverRows({ tokens, issuer, version, ready, metrics }: ServerOptions): readonly Row[] {
  return [
    open(
      'the front page holds nothing but the version',
      {
        method: 'GET',
        path: '/',
        doc: 'What this is: a page for a browser (Accept: text/html), JSON for others.',
        locate: nowhere,
        output: [{ status: 200, doc: 'Where to go on.', schema: homeSchema }],
      },
      {},
      async ({ headers }) => home({ version, url: issuer }, headers),
    ),
    guarded(
      { permission: 'metrics:read' },
      {
        method: 'GET',
        path: '/metrics',
        doc: 'Counters of this process for Prometheus.',
        locate: () => ({ workspace: null }),
        output: [
          { status: 200, doc: "Prometheus' text format.", media: 'text/plain', schema: z.string() },
          { status: 501, doc: 'This process counts nothing.', schema: { component: 'Error' } },
        ],
      },
      {},
      async () => {
        if (!metrics)
          throw new Fault('unsupported', 'This process has no metrics. Ask one that runs a gateway.', {
            reason: 'no_metrics',
            status: 501,
          })
        return {
          status: 200,
          headers: {
            'content-type': 'text/plain; version=0.0.4; charset=utf-8',
            'cache-control': 'no-store',
          },
          body: metrics(),
        }
      },
    ),
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
            doc: 'They can. `degraded` says what is amiss though they are.',
            schema: z.object({
              status: z.string(),
              waitingFor: z.array(z.string()),
              degraded: z.array(z.string()),
            }),
          },
        ],
      },
      {},
      async () => {
        const told = await ready()
        const isReady = told.waitingFor.length === 0
        return { status: isReady ? 200 : 503, body: { status: isReady ? 'ready' : 'not ready', ...told } }
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
export function openApiRow({ version, issuer }: ServerOptions, others: readonly Row[]): Row {
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
