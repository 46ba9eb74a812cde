// The lines that an endpoint's replicas write, as plain text or NDJSON, followed if one asks for it.
import { once } from 'node:events'
import { Fault, findKind } from '@switchyard/kinds'
import type { LogLine, Orchestrator, Store } from '@switchyard/runtime'
import { z } from 'zod'
import type { Authenticate } from './authenticate.ts'
import { absent, type Caller, identityOf, permits } from './authorize.ts'
import type { Answer } from './route.ts'
import { checkStanding } from './watch.ts'

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform(text => text === 'true')

export const logsQuerySchema = z.strictObject({
  tail: z.coerce.number().int().min(0).max(10_000).default(200).describe('Newest lines of each replica.'),
  follow: flag.describe('Go on with new lines.'),
  previous: flag.describe('Lines of the run before the last start.'),
  replica: z.string().max(63).optional().describe('Only this Replica; all of the endpoint when absent.'),
})

/** Lines of one replica, by the id of its Replica document. */
export type Logs = Orchestrator['logs']

export interface LogsOptions {
  readonly store: Store
  readonly logs: Logs | undefined
  readonly authenticate: Pick<Authenticate, 'standing'>
  readonly pollMilliseconds: number
}

export async function endpointLogs(
  { store, logs, authenticate, pollMilliseconds }: LogsOptions,
  ask: {
    readonly caller: Caller
    readonly workspace: string
    readonly name: string
    readonly query: z.output<typeof logsQuerySchema>
    readonly accept: string | undefined
    readonly requestId: string
    readonly signal: AbortSignal
  },
): Promise<Answer> {
  const { caller, workspace, name, query, requestId } = ask
  const replicas = await store.read(identityOf(caller), async tx => {
    const of = await tx.get({ kind: 'Endpoint', workspace, name })
    if (!of || !permits(caller, findKind('Endpoint')!, 'read', of)) throw absent('Endpoint', name)
    const fields = [{ key: 'spec.endpoint', operator: 'in', values: [name] }] as const
    return (await tx.list({ kind: 'Replica', workspace, fields })).items
  })
  const wanted = replicas.filter(
    ({ metadata }) => query.replica === undefined || metadata.name === query.replica,
  )
  if (query.replica !== undefined && wanted.length === 0) throw absent('Replica', query.replica)
  if (!logs)
    throw new Fault('unsupported', 'This server runs no replicas, so it has no logs of them.', {
      reason: 'no_logs',
      status: 501,
    })

  return {
    async stream(response) {
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      const stop = AbortSignal.any([ask.signal, gone.signal])
      const json = ask.accept?.includes('application/x-ndjson') ?? false
      response.writeHead(200, {
        'content-type': json ? 'application/x-ndjson' : 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
        'x-request-id': requestId,
        'x-accel-buffering': 'no',
      })
      response.flushHeaders()
      const watcher = setInterval(() => {
        checkStanding(authenticate, caller).catch(() => gone.abort())
      }, pollMilliseconds)
      try {
        await Promise.all(
          wanted.map(async ({ metadata }) => {
            const ref = { replica: metadata.id, previous: query.previous }
            const say = json ? asJson(metadata.name) : asText(wanted.length > 1 ? metadata.name : undefined)
            for await (const line of logs(ref, { tail: query.tail, follow: query.follow }, stop))
              if (!response.write(say(line))) await once(response, 'drain', { signal: stop })
          }),
        )
      } catch (error) {
        if (!stop.aborted) throw error
      } finally {
        clearInterval(watcher)
        response.end()
      }
    },
  }
}

type Say = (line: LogLine) => string

/** The replica's name stands before the line when there are several. */
function asText(replica: string | undefined): Say {
  const prefix = replica === undefined ? '' : `[${replica}] `
  return ({ at, text }) => `${prefix}${at === undefined ? '' : `${at} `}${text}\n`
}

function asJson(replica: string): Say {
  return line => `${JSON.stringify({ ...line, replica })}\n`
}
