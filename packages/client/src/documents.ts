// Documents over HTTP: list, read, create, replace, patch, delete, status and actions.
import { type Document, Fault, findKind } from '@switchyard/kinds'
import type { Ask } from './ask.ts'
import type { Answer, Exchange } from './exchange.ts'
import { isRecord, readDocument } from './values.ts'

/** A kind by any of its names: `Endpoint`, `endpoints`, `ep`. */
export type KindName = string

/** Which documents; `workspace` null or absent is the platform, and for lists everything that may be read. */
export interface Place {
  readonly workspace?: string | null
}

/** One document of a kind. */
export interface Ref extends Place {
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

export interface Selectors extends Place {
  /** Kubernetes syntax: `app=chat,tier in (a,b)`. */
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export interface ListQuery extends Selectors {
  /** Substring of name or displayName. */
  readonly q?: string | undefined
  readonly sort?: 'name' | '-creationTimestamp' | undefined
  /** 1 to 500; the server's default is 100. */
  readonly limit?: number | undefined
  readonly continue?: string | undefined
  readonly count?: boolean | undefined
}

export interface WatchQuery extends Selectors {
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

export interface DeleteOptions extends WriteOptions {
  /** Deletes what depends on it too. */
  readonly cascade?: boolean
  /** Drops finalizers; needs system:force. */
  readonly force?: boolean
}

/** What a create answers: the document and, for an ApiKey, its secret, shown this once. */
export type Created = Document & { readonly secret?: string }

export interface Deleted {
  /** False while finalizers or dependents remain: the document is being deleted. */
  readonly gone: boolean
  readonly document: Document | undefined
}

export function collectionPath(name: KindName, { workspace }: Place): string {
  const kind = findKind(name)
  if (!kind) throw new Fault('invalid', `There is no kind ${name}.`, { reason: 'unknown_kind' })
  const base = workspace ? `/api/v1/workspaces/${encodeURIComponent(workspace)}` : '/api/v1'
  return `${base}/${kind.plural}`
}
export const documentPath = (kind: KindName, ref: Ref) =>
  `${collectionPath(kind, ref)}/${encodeURIComponent(ref.name)}`

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

  async function list(kind: KindName, { workspace = null, ...query }: ListQuery = {}): Promise<DocumentList> {
    const path = collectionPath(kind, { workspace })
    return readList((await exchange.send({ method: 'GET', path, query })).body)
  }

  return {
    list,

    /** Every document of a collection, page by page, at most `limit` in all. */
    async *all(kind: KindName, query: ListQuery = {}): AsyncGenerator<Document> {
      let left = query.limit ?? Number.POSITIVE_INFINITY
      let next: string | undefined
      do {
        const limit = Math.min(left, 500)
        const page = await list(kind, { ...query, limit, continue: next })
        yield* page.items
        left -= page.items.length
        next = page.continue
      } while (next !== undefined && left > 0)
    },

    get: (kind: KindName, ref: Ref) => read({ method: 'GET', path: documentPath(kind, ref) }),

    /** Kind and workspace are those of the manifest; `conflict` when the name is taken. */
    async create(manifest: Manifest, options: WriteOptions = {}): Promise<Created> {
      const path = collectionPath(manifest.kind, manifest.metadata)
      return read({ method: 'POST', path, query: dry(options), body: manifest })
    },

    /** `stale` when the document is no longer at `ifMatch`. */
    replace: (
      kind: KindName,
      ref: Ref,
      manifest: Manifest,
      options: WriteOptions & { readonly ifMatch: string },
    ) =>
      read({
        method: 'PUT',
        path: documentPath(kind, ref),
        query: dry(options),
        headers: ifMatch(options),
        body: manifest,
      }),

    /** JSON merge patch (RFC 7396): null takes a field away, arrays are replaced whole. */
    patch: (kind: KindName, ref: Ref, patch: unknown, options: WriteOptions = {}) =>
      read({
        method: 'PATCH',
        path: documentPath(kind, ref),
        query: dry(options),
        headers: { 'content-type': 'application/merge-patch+json', ...ifMatch(options) },
        body: patch,
      }),

    async delete(kind: KindName, ref: Ref, options: DeleteOptions = {}): Promise<Deleted> {
      const { cascade, force } = options
      const { status, body }: Answer = await exchange.send({
        method: 'DELETE',
        path: documentPath(kind, ref),
        query: { ...dry(options), ...(cascade && { cascade }), ...(force && { force }) },
        headers: ifMatch(options),
      })
      const document = isRecord(body) && isRecord(body.metadata) ? readDocument(body) : undefined
      return { gone: status !== 202, document }
    },

    /** Reconcilers and agents only. */
    status: (kind: KindName, ref: Ref, status: unknown, options: { readonly ifMatch: string }) =>
      read({
        method: 'PUT',
        path: `${documentPath(kind, ref)}/status`,
        headers: ifMatch(options),
        body: { status },
      }),

    /** The answer's body as it came. */
    async action(kind: KindName, ref: Ref, verb: string, body: unknown = {}): Promise<unknown> {
      const path = `${documentPath(kind, ref)}/actions/${verb}`
      return (await exchange.send({ method: 'POST', path, body })).body
    },
  }
}
