// A route is a row: who may call it, where its rights are looked up, what goes in and what comes out. Handlers
// cannot be registered otherwise, and a row that declares too little stops the start and is named.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { type Fault, permissions } from '@switchyard/kinds'
import type { Peer } from '@switchyard/runtime'
import type { z } from 'zod'
import type { Caller, Place } from './authorize.ts'
import { invalid, issueDetails } from './invalid.ts'
import type { RequestKey } from './once.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Location {
  /** Where the permission must be held: a workspace, null for the platform, undefined for anywhere. */
  readonly workspace: Place
  readonly name?: string
}

export type Params = Readonly<Record<string, string>>

/** What a handler is given. */
export interface Ask<Q = unknown, B = unknown> {
  readonly params: Params
  readonly location: Location
  readonly query: Q
  readonly body: B
  readonly headers: IncomingHttpHeaders
  readonly requestId: string
  /** Of a POST by a caller with an Idempotency-Key. */
  readonly once?: RequestKey | undefined
  /** Address of the peer, for counting failed sign-ins. */
  readonly address: string
  /** Aborted when the client goes or the server stops. */
  readonly signal: AbortSignal
}

export interface CallerAsk<Q = unknown, B = unknown> extends Ask<Q, B> {
  readonly caller: Caller
}

export type Answer =
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      /** A value is sent as JSON, a string or bytes as they are with the content type of `headers`. */
      readonly body?: unknown
    }
  | { readonly stream: (response: ServerResponse) => Promise<void> }

/** One answer of a row, for OpenAPI. `schema` is a zod schema or the name of a component. */
export interface Output {
  readonly status: number
  readonly doc: string
  readonly media?: string
  readonly schema?: z.ZodType | { readonly component: string }
}

export interface Row {
  readonly method: Method
  /** `/api/v1/workspaces/{w}/endpoints/{name}`; `{path*}` at the end is any number of segments. */
  readonly path: string
  /** Who may call: holders of a permission, or anyone for a reason, or any caller about themselves for a reason. */
  readonly permission?: string
  readonly public?: string
  readonly self?: string
  readonly locate: (params: Params) => Location
  readonly input: {
    readonly query?: z.ZodType
    readonly body?: z.ZodType | { readonly component: string }
    /** Media type of the body; application/json when absent. */
    readonly media?: string
  }
  readonly output: readonly Output[]
  readonly doc: string
  /** Kind that the row speaks of, for grouping in the reference. */
  readonly kind?: string
  /** How the trail calls it, `session.create`; by its permission when absent. */
  readonly action?: string
  /** Where people's browsers are sent: what they are shown in place of a refusal, when they ask for HTML. */
  readonly refused?: (fault: Fault) => Answer
  readonly handle: (ask: Ask, caller: Caller | undefined) => Promise<Answer>
}

type Described = Omit<Row, 'handle' | 'input' | 'permission' | 'public' | 'self'>

interface Typed<Q extends z.ZodType, B extends z.ZodType> {
  readonly query?: Q
  readonly body?: B
  /** Documents are read by the kind, not by the row: the row only names their component. */
  readonly document?: string
  readonly media?: string
}

function accept<Q extends z.ZodType, B extends z.ZodType>(typed: Typed<Q, B>, ask: Ask) {
  const query = parse(typed.query, ask.query, '')
  const body = parse(typed.body, ask.body, '')
  return { ...ask, query, body }
}

/** `invalid` with every problem and its path. */
function parse<S extends z.ZodType>(schema: S | undefined, value: unknown, root: string): z.output<S> {
  // A row without a schema reads nothing of it, and its type is then `unknown`.
  if (!schema) return value as z.output<S>
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw invalid(issueDetails(parsed.error.issues, root))
  return parsed.data
}

function inputOf<Q extends z.ZodType, B extends z.ZodType>(typed: Typed<Q, B>): Row['input'] {
  const body = typed.body ?? (typed.document === undefined ? undefined : { component: typed.document })
  return {
    ...(typed.query === undefined ? {} : { query: typed.query }),
    ...(body === undefined ? {} : { body }),
    ...(typed.media === undefined ? {} : { media: typed.media }),
  }
}

/** A row for callers: they hold `permission` at the location, or it is about themselves. */
export function guarded<Q extends z.ZodType, B extends z.ZodType>(
  access: { readonly permission: string } | { readonly self: string },
  described: Described,
  typed: Typed<Q, B>,
  handle: (ask: CallerAsk<z.output<Q>, z.output<B>>) => Promise<Answer>,
): Row {
  return {
    ...described,
    ...access,
    input: inputOf(typed),
    handle: async (ask, caller) => {
      if (!caller) throw new TypeError(`${described.method} ${described.path} was called without a caller.`)
      return handle({ ...accept(typed, ask), caller })
    },
  }
}

/** A row for anyone; `reason` says why no identity is asked for. */
export function open<Q extends z.ZodType, B extends z.ZodType>(
  reason: string,
  described: Described,
  typed: Typed<Q, B>,
  handle: (ask: Ask<z.output<Q>, z.output<B>>) => Promise<Answer>,
): Row {
  return {
    ...described,
    public: reason,
    input: inputOf(typed),
    handle: async ask => handle(accept(typed, ask)),
  }
}

/** Who signs in, as far as is known. */
export function peerOf({ address, headers }: Ask): Peer {
  const client = headers['user-agent']
  return client === undefined ? { address } : { address, client }
}

export const nowhere = (): Location => ({ workspace: undefined })

/** Parameters of a path, in order. */
export function parametersOf(path: string): readonly string[] {
  return [...path.matchAll(/\{([^}*]+)\*?\}/g)].map(([, name]) => name!)
}

/** Every fault of a route table as a sentence that names the row; none when the server may start. */
export function routeProblems(rows: readonly Row[]): readonly string[] {
  const seen = new Set<string>()
  return rows.flatMap(row => {
    const name = `${row.method} ${row.path}`
    const problems: string[] = []
    const ways = [row.permission, row.public, row.self].filter(way => way !== undefined && way !== '')
    if (ways.length === 0) problems.push(`${name} declares neither a permission nor a reason to have none`)
    if (ways.length > 1) problems.push(`${name} declares more than one way in`)
    if (row.permission && !permissions.includes(row.permission))
      problems.push(`${name} asks for ${row.permission}, which is not in the permission table`)
    const shape = `${row.method} ${row.path.replaceAll(/\{[^}]+\}/g, '{}')}`
    if (seen.has(shape)) problems.push(`${name} is declared twice`)
    seen.add(shape)
    if (row.public === undefined) {
      const used = usedParameters(row)
      for (const parameter of parametersOf(row.path))
        if (!used.has(parameter)) problems.push(`${name} has {${parameter}}, which its locate does not use`)
    }
    return problems
  })
}

/** Which parameters `locate` looks at. */
function usedParameters(row: Row): ReadonlySet<string> {
  const used = new Set<string>()
  const probe: Params = new Proxy<Record<string, string>>(
    {},
    {
      get: (_target, name) => {
        used.add(String(name))
        return 'probe'
      },
    },
  )
  row.locate(probe)
  return used
}

export function checkRoutes(rows: readonly Row[]): void {
  const problems = routeProblems(rows)
  if (problems.length > 0) throw new TypeError(`The route table is not sound: ${problems.join('; ')}.`)
}
