// Documents over HTTP: list, read, create, replace, patch, delete, status and actions.
import { type Document, Fault, type Kind } from '@switchyard/kinds'
import type { Answer, Ask, Exchange } from './exchange.ts'

/** A collection: `workspace` null reads every workspace and the platform, as far as the caller may. */
export interface Collection {
  readonly kind: Pick<Kind, 'plural'>
  readonly workspace: string | null
}

/** One document; `workspace` null is a platform document. */
export interface Ref extends Collection {
  readonly name: string
}

/** What a person writes: an envelope whose server-owned parts may be absent. */
export interface Manifest {
  readonly apiVersion?: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly workspace?: string | null } & Readonly<
    Record<string, unknown>
  >
  readonly spec?: unknown
}

export interface ListQuery {
  /** Kubernetes syntax: `app=chat,tier in (a,b)`. */
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Substring of name or displayName. */
  readonly q?: string | undefined
  readonly sort?: 'name' | '-creationTimestamp' | undefined
  /** 1 to 500; the server's default is 100. */
  readonly limit?: number | undefined
  readonly continue?: string | undefined
  readonly count?: boolean | undefined
}

export interface WatchQuery extends Pick<ListQuery, 'labelSelector' | 'fieldSelector'> {
  /** Version to go on from; absent begins with the whole list. */
  readonly from?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface DocumentList {
  readonly kind: string
  readonly items: readonly Document[]
  /** Version of the log at which the page was read; a watch from here misses nothing. */
  readonly version: string
  readonly continue?: string
  readonly count?: number
}

export interface WriteOptions {
  /** Checks everything and writes nothing. */
  readonly dryRun?: boolean
  /** resourceVersion that the write is based on, or `*`. */
  readonly ifMatch?: string
}

export interface Deleted {
  /** False while finalizers or dependents remain: the document is being deleted. */
  readonly gone: boolean
  readonly document: Document | undefined
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function collectionPath({ kind, workspace }: Collection): string {
  const base = workspace === null ? '/api/v1' : `/api/v1/workspaces/${encodeURIComponent(workspace)}`
  return `${base}/${kind.plural}`
}
export const documentPath = (ref: Ref) => `${collectionPath(ref)}/${encodeURIComponent(ref.name)}`

/** Enough is checked to stand on; a newer server's further fields are left alone. */
export function readDocument(value: unknown): Document {
  if (isRecord(value) && typeof value.kind === 'string' && isRecord(value.metadata))
    if (typeof value.metadata.name === 'string' && typeof value.metadata.resourceVersion === 'string')
      return value as unknown as Document // the envelope was just checked; spec and status are unknown
  throw new Fault(
    'internal',
    'The server answered with something that is no document. Is it another version?',
  )
}

function readList(value: unknown): DocumentList {
  if (!isRecord(value) || !Array.isArray(value.items) || !isRecord(value.metadata))
    throw new Fault('internal', 'The server answered with something that is no list. Is it another version?')
  const { resourceVersion, continue: next, count } = value.metadata
  return {
    kind: String(value.kind),
    items: value.items.map(readDocument),
    version: String(resourceVersion),
    ...(typeof next === 'string' && next !== '' && { continue: next }),
    ...(typeof count === 'number' && { count }),
  }
}

const quoted = (version: string) => (version === '*' ? '*' : `"${version}"`)
const ifMatch = ({ ifMatch: version }: WriteOptions) =>
  version === undefined ? {} : { 'if-match': quoted(version) }
const dry = ({ dryRun }: WriteOptions) => (dryRun ? { dryRun: true } : {})

export function documentCalls(exchange: Exchange) {
  const read = async (ask: Ask): Promise<Document> => readDocument((await exchange.send(ask)).body)

  async function list(collection: Collection, query: ListQuery = {}): Promise<DocumentList> {
    return readList(
      (await exchange.send({ method: 'GET', path: collectionPath(collection), query: { ...query } })).body,
    )
  }

  return {
    list,

    /** Every document of a collection, page by page, at most `limit` in all. */
    async *all(collection: Collection, query: ListQuery = {}): AsyncGenerator<Document> {
      let left = query.limit ?? Number.POSITIVE_INFINITY
      let next: string | undefined
      do {
        const limit = Math.min(left, 500)
        const page = await list(collection, { ...query, limit, continue: next })
        yield* page.items
        left -= page.items.length
        next = page.continue
      } while (next !== undefined && left > 0)
    },

    get: (ref: Ref) => read({ method: 'GET', path: documentPath(ref) }),

    /** 201; the answer's body is given whole, for it may carry a secret that is shown once. */
    async create(
      collection: Collection,
      manifest: Manifest,
      options: WriteOptions = {},
    ): Promise<{ readonly document: Document; readonly body: unknown }> {
      const { body } = await exchange.send({
        method: 'POST',
        path: collectionPath(collection),
        query: dry(options),
        body: manifest,
      })
      return { document: readDocument(body), body }
    },

    /** `stale` when the document is no longer at `ifMatch`. */
    replace: (ref: Ref, manifest: Manifest, options: WriteOptions & { readonly ifMatch: string }) =>
      read({
        method: 'PUT',
        path: documentPath(ref),
        query: dry(options),
        headers: ifMatch(options),
        body: manifest,
      }),

    /** JSON merge patch (RFC 7396): null takes a field away, arrays are replaced whole. */
    patch: (ref: Ref, patch: unknown, options: WriteOptions = {}) =>
      read({
        method: 'PATCH',
        path: documentPath(ref),
        query: dry(options),
        headers: { 'content-type': 'application/merge-patch+json', ...ifMatch(options) },
        body: patch,
      }),

    async delete(
      ref: Ref,
      options: WriteOptions & { readonly cascade?: boolean; readonly force?: boolean } = {},
    ): Promise<Deleted> {
      const { cascade, force } = options
      const answer: Answer = await exchange.send({
        method: 'DELETE',
        path: documentPath(ref),
        query: { ...dry(options), ...(cascade && { cascade }), ...(force && { force }) },
        headers: ifMatch(options),
      })
      const document =
        isRecord(answer.body) && isRecord(answer.body.metadata) ? readDocument(answer.body) : undefined
      return { gone: answer.status !== 202, document }
    },

    /** Reconcilers and agents only. */
    status: (ref: Ref, status: unknown, options: { readonly ifMatch: string }) =>
      read({
        method: 'PUT',
        path: `${documentPath(ref)}/status`,
        headers: ifMatch(options),
        body: { status },
      }),

    /** The answer's body as it came. */
    async action(ref: Ref, verb: string, body: unknown = {}): Promise<unknown> {
      const path = `${documentPath(ref)}/actions/${verb}`
      return (await exchange.send({ method: 'POST', path, body })).body
    },
  }
}
