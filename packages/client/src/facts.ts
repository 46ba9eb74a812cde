// What happened, as far as the caller may read it: usage, events and the engines' logs.
import { Fault } from '@switchyard/kinds'
import type { Exchange } from './exchange.ts'
import { abortFault, networkFault } from './faults.ts'
import { lines } from './lines.ts'
import { isRecord } from './values.ts'

export interface UsageQuery {
  /** Absent sums every workspace that the caller may read. */
  readonly workspace?: string | undefined
  readonly by: readonly string[]
  /** RFC 3339. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly key?: string | undefined
  readonly model?: string | undefined
  readonly project?: string | undefined
  /** Provider that answered, as WORKSPACE/NAME or platform/NAME, or name of the endpoint. */
  readonly upstream?: string | undefined
}

/** Every count is a decimal string of an integer. */
export interface UsageRow {
  readonly group: Readonly<Record<string, string | null>>
  readonly requests: string
  /** Events whose cost is not known; absent for those who may not read price books. */
  readonly uncosted?: string
  readonly quantities: Readonly<Record<string, string>>
  readonly tokens: { readonly input: string; readonly output: string }
  /** Of what is priced; decimals. */
  readonly amounts: readonly {
    readonly currency: string
    readonly amount: string
    /** Both absent for those who may not read price books, null where it is not known. */
    readonly cost?: string | null
    readonly margin?: string | null
  }[]
}

/** An event that could not be used. */
export interface QuarantinedRow {
  readonly number: string
  readonly workspace: string | null
  readonly reason: string
  readonly seenAt: string
  readonly resolution: string | null
  readonly event: unknown
}

/** One event of a request, with the arithmetic of each unit that has a price. */
export type ExplainedEvent = Readonly<Record<string, unknown>>

/** What became of an event in quarantine. */
export interface ResolvedRow {
  readonly number: string
  readonly outcome: string
}

export interface UsageAnswer {
  readonly items: readonly UsageRow[]
}

export interface EventQuery {
  readonly workspace: string | null
  /** Kind name, such as Endpoint. */
  readonly kind?: string | undefined
  readonly name?: string | undefined
  readonly limit?: number | undefined
}

export interface EventRow {
  readonly id: string
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly firstAt: string
  readonly lastAt: string
  readonly count: number
  readonly object: { readonly kind: string; readonly workspace: string | null; readonly name: string }
}

export interface LogQuery {
  readonly workspace: string
  readonly endpoint: string
  readonly follow?: boolean | undefined
  readonly tail?: number | undefined
  /** Name of one Replica; every one when absent. */
  readonly replica?: string | undefined
  /** The run before the current one, of a replica that was restarted. */
  readonly previous?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface LogRow {
  readonly text: string
  readonly at?: string
  readonly replica?: string
}

/** A version of a price book, as it was published. */
export interface BookVersionRow {
  readonly version: number
  readonly sha256: string
  readonly publishedAt: string
  readonly publishedBy: string
  /** RFC 3339; absent when a later version took all of its time. */
  readonly holds: { readonly from: string; readonly to?: string } | undefined
}

const another = (what: string) =>
  new Fault('internal', `The server answered with something that is no ${what}. Is it another version?`)

function readRows(value: unknown, what: string): Record<string, unknown>[] {
  if (!isRecord(value) || !Array.isArray(value.items) || !value.items.every(isRecord)) throw another(what)
  return value.items
}

const count = (value: unknown) =>
  typeof value === 'number' || typeof value === 'string' ? String(value) : '0'

function readUsage(row: Record<string, unknown>): UsageRow {
  const { group, requests, uncosted, quantities, tokens, amounts } = row
  const sums = isRecord(tokens) ? tokens : {}
  return {
    group: Object.fromEntries(
      Object.entries(isRecord(group) ? group : {}).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : null,
      ]),
    ),
    requests: count(requests),
    ...(uncosted !== undefined && { uncosted: count(uncosted) }),
    quantities: Object.fromEntries(
      Object.entries(isRecord(quantities) ? quantities : {}).map(([unit, value]) => [unit, count(value)]),
    ),
    tokens: { input: count(sums.input), output: count(sums.output) },
    amounts: (Array.isArray(amounts) ? amounts : [])
      .filter(isRecord)
      .map(({ currency, amount, cost, margin }) => ({
        currency: String(currency),
        amount: count(amount),
        ...(cost !== undefined && { cost: cost === null ? null : count(cost) }),
        ...(margin !== undefined && { margin: margin === null ? null : count(margin) }),
      })),
  }
}

const readQuarantined = (row: Record<string, unknown>): QuarantinedRow => ({
  number: String(row.number),
  workspace: typeof row.workspace === 'string' ? row.workspace : null,
  reason: String(row.reason),
  seenAt: String(row.seenAt),
  resolution: typeof row.resolution === 'string' ? row.resolution : null,
  event: row.event,
})

function readEvent(row: Record<string, unknown>): EventRow {
  const object = isRecord(row.object) ? row.object : {}
  return {
    id: String(row.id),
    type: row.type === 'Warning' ? 'Warning' : 'Normal',
    reason: String(row.reason),
    message: String(row.message),
    firstAt: String(row.firstAt),
    lastAt: String(row.lastAt),
    count: Number(row.count ?? 1),
    object: {
      kind: String(object.kind),
      workspace: typeof object.workspace === 'string' ? object.workspace : null,
      name: String(object.name),
    },
  }
}

function readVersion(row: Record<string, unknown>): BookVersionRow {
  const { holds } = row
  return {
    version: Number(row.version),
    sha256: String(row.sha256),
    publishedAt: String(row.publishedAt),
    publishedBy: String(row.publishedBy),
    holds: isRecord(holds)
      ? { from: String(holds.from), ...(typeof holds.to === 'string' && { to: holds.to }) }
      : undefined,
  }
}

/** NDJSON of `{at?, text, replica?}`, or plain text. */
function readLog(line: string, json: boolean): LogRow {
  if (!json) return { text: line }
  const row: unknown = JSON.parse(line)
  if (!isRecord(row)) throw another('log line')
  return {
    text: typeof row.text === 'string' ? row.text : '',
    ...(typeof row.at === 'string' && { at: row.at }),
    ...(typeof row.replica === 'string' && { replica: row.replica }),
  }
}

const inWorkspace = (workspace: string | null | undefined) =>
  workspace ? `/api/v1/workspaces/${encodeURIComponent(workspace)}` : '/api/v1'

const quarantinePath = '/api/v1/usage/quarantine'

export function factCalls(exchange: Exchange) {
  return {
    async usage({ by, workspace, ...query }: UsageQuery): Promise<UsageAnswer> {
      const path = '/api/v1/usage'
      const { body } = await exchange.send({
        method: 'GET',
        path,
        query: { ...query, workspace, by: by.join(',') },
      })
      return { items: readRows(body, 'usage').map(readUsage) }
    },

    /** Oldest first. */
    async explainUsage(workspace: string, request: string): Promise<readonly ExplainedEvent[]> {
      const path = `${inWorkspace(workspace)}/usage/${encodeURIComponent(request)}`
      const { body } = await exchange.send({ method: 'GET', path })
      return readRows(isRecord(body) ? { items: body.events } : body, 'explanation')
    },

    /** Newest first. */
    async quarantine(query: {
      readonly workspace?: string | undefined
      readonly reason?: string | undefined
      readonly all?: boolean | undefined
    }): Promise<readonly QuarantinedRow[]> {
      const { body } = await exchange.send({ method: 'GET', path: quarantinePath, query })
      return readRows(body, 'quarantine').map(readQuarantined)
    },

    async resolveQuarantined(
      how: 'retry' | 'discard',
      numbers: readonly string[],
      reason?: string,
    ): Promise<readonly ResolvedRow[]> {
      const path = `${quarantinePath}/actions/${how}`
      const { body } = await exchange.send({ method: 'POST', path, body: { numbers, reason } })
      return readRows(body, 'quarantine').map(({ number, outcome }) => ({
        number: String(number),
        outcome: String(outcome),
      }))
    },

    /** Rows of the sums that are not what the events sum up to. */
    async rebuildUsage(ask: {
      readonly from?: string | undefined
      readonly to?: string | undefined
      readonly mend: boolean
    }): Promise<readonly Readonly<Record<string, unknown>>[]> {
      const { body } = await exchange.send({
        method: 'POST',
        path: '/api/v1/usage/actions/rebuild',
        body: ask,
      })
      return readRows(body, 'list of differences')
    },

    /** Oldest first. */
    async bookVersions(name: string): Promise<readonly BookVersionRow[]> {
      const path = `/api/v1/pricebooks/${encodeURIComponent(name)}/versions`
      const { body } = await exchange.send({ method: 'GET', path })
      return readRows(body, 'list of versions').map(readVersion)
    },

    /** Newest last. */
    async events({ workspace, ...query }: EventQuery, signal?: AbortSignal): Promise<readonly EventRow[]> {
      const path = `${inWorkspace(workspace)}/events`
      const { body } = await exchange.send({ method: 'GET', path, query, signal })
      return readRows(body, 'event')
        .map(readEvent)
        .sort((a, b) => (a.lastAt < b.lastAt ? -1 : a.lastAt > b.lastAt ? 1 : 0))
    },

    async *logs({ workspace, endpoint, signal, ...query }: LogQuery): AsyncGenerator<LogRow> {
      const until = exchange.until(signal)
      try {
        const { type, body } = await exchange.stream({
          method: 'GET',
          path: `${inWorkspace(workspace)}/endpoints/${encodeURIComponent(endpoint)}/logs`,
          query: {
            tail: query.tail,
            replica: query.replica,
            follow: query.follow || undefined,
            previous: query.previous || undefined,
          },
          headers: { accept: 'application/x-ndjson, text/plain' },
          silenceMs: 0,
          signal,
        })
        for await (const line of lines(body)) if (line !== '') yield readLog(line, type.includes('json'))
      } catch (error) {
        throw until?.aborted ? abortFault(until) : networkFault(exchange.url, error)
      }
    },
  }
}
