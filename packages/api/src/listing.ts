// Reading documents: one, or pages of them, of what the caller may read.
import { createHash } from 'node:crypto'
import { type Document, Fault, type Kind } from '@switchyard/kinds'
import type { ReadTransaction, Requirement, Store } from '@switchyard/runtime'
import { z } from 'zod'
import { absent, absentWorkspace, type Caller, holds, identityOf, type Place, permits } from './authorize.ts'
import type { Cursors } from './cursor.ts'
import { etag } from './document.ts'
import { canonical } from './merge-patch.ts'
import { type ObservedOptions, withObserved } from './observed.ts'
import type { Answer } from './route.ts'
import { parseFieldSelector, parseLabelSelector, type Selection } from './selector.ts'

const flag = z.enum(['true', 'false']).transform(text => text === 'true')

export const listQuerySchema = z.strictObject({
  labelSelector: z
    .string()
    .max(4096)
    .optional()
    .describe('Kubernetes label selector: `app=chat,tier in (a,b),!old`.'),
  fieldSelector: z
    .string()
    .max(4096)
    .optional()
    .describe("`path=value` or `path!=value` over the kind's selectable fields."),
  q: z.string().max(128).optional().describe('Part of a name or display name; case does not matter.'),
  sort: z
    .enum(['name', '-creationTimestamp'])
    .optional()
    .describe('`name` (by workspace, then name) unless given.'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('Documents of one page.'),
  continue: z.string().max(4096).optional().describe('Token of the page before; good for 10 minutes.'),
  count: flag.optional().describe('Count all documents of the selection too.'),
  view: z.enum(['full', 'metadata']).default('full').describe('`metadata` leaves spec and status out.'),
  watch: flag.optional().describe('Stream changes as NDJSON, or as SSE when `Accept: text/event-stream`.'),
  resourceVersion: z
    .string()
    .regex(/^\d{1,20}$/, 'use a resourceVersion that a list or a frame gave')
    .optional()
    .describe('With watch: every change after this version.'),
})
export type ListQuery = z.output<typeof listQuerySchema>

export const readQuerySchema = z.strictObject({ view: z.enum(['full', 'metadata']).default('full') })

export interface ListingOptions extends ObservedOptions {
  readonly store: Store
  readonly cursors: Cursors
}

export type View = ListQuery['view']

export function show(document: Document, view: View): Omit<Document, 'spec' | 'status'> | Document {
  if (view === 'full') return document
  const { spec: _spec, status: _status, ...rest } = document
  return rest
}

/** What a list or a watch selects, from its query. */
export function selectionOf(
  kind: Kind,
  workspace: Place,
  query: Pick<ListQuery, 'labelSelector' | 'fieldSelector' | 'q'>,
  caller: Caller,
): Selection {
  return {
    ...(workspace === undefined ? {} : { workspace }),
    labels: query.labelSelector === undefined ? [] : parseLabelSelector(query.labelSelector),
    fields: [
      ...(query.fieldSelector === undefined ? [] : parseFieldSelector(query.fieldSelector, kind)),
      ...ownKeysOnly(kind, workspace, caller),
    ],
    ...(query.q === undefined ? {} : { q: query.q }),
  }
}

/** Without `api_key:any` only one's own keys are there. */
function ownKeysOnly(kind: Kind, workspace: Place, caller: Caller): readonly Requirement[] {
  if (kind.kind !== 'ApiKey' || holds(caller, 'api_key:any', workspace)) return []
  const [type, name = ''] = caller.principal.split(':')
  return [
    { key: 'spec.owner.kind', operator: 'in', values: [type === 'user' ? 'User' : 'ServiceAccount'] },
    { key: 'spec.owner.name', operator: 'in', values: [name.split('/').at(-1) ?? ''] },
  ]
}

/** `not_found` for a workspace that is not there, where the caller may know that. */
export async function checkWorkspace(tx: ReadTransaction, caller: Caller, workspace: Place): Promise<void> {
  if (typeof workspace !== 'string' || !holds(caller, 'workspace:read', workspace)) return
  if (!(await tx.get({ kind: 'Workspace', workspace: null, name: workspace })))
    throw absentWorkspace(workspace)
}

export async function listDocuments(
  options: ListingOptions,
  kind: Kind,
  caller: Caller,
  workspace: Place,
  query: ListQuery,
): Promise<Answer> {
  const { store, cursors } = options
  const selection = selectionOf(kind, workspace, query, caller)
  const sort = query.sort ?? 'name'
  const binding = createHash('sha256')
    .update(
      canonical([kind.kind, selection, sort, caller.principal, caller.scopes, caller.workspace ?? null]),
    )
    .digest('hex')
  const from = query.continue === undefined ? undefined : cursors.open(query.continue, binding)
  const page = await store.read(identityOf(caller), async tx => {
    await checkWorkspace(tx, caller, workspace)
    return tx.list({
      kind: kind.kind,
      ...selection,
      sort,
      limit: query.limit,
      ...(from ? { after: from.after } : {}),
      ...(query.count === true ? { count: true } : {}),
    })
  })
  const version = from?.version ?? page.version
  // The database has filtered already; a row that slipped through its policies stops here.
  const items = page.items.filter(item => permits(caller, kind, 'read', item))
  const shown = query.view === 'full' ? await withObserved(options, kind, items) : items
  return {
    status: 200,
    body: {
      apiVersion: 'switchyard.dev/v1',
      kind: `${kind.kind}List`,
      metadata: {
        resourceVersion: version,
        ...(page.next === undefined
          ? {}
          : { continue: cursors.seal({ after: page.next, version }, binding) }),
        ...(page.count === undefined ? {} : { count: page.count }),
      },
      items: shown.map(item => show(item, query.view)),
    },
  }
}

export async function readDocument(
  options: Omit<ListingOptions, 'cursors'>,
  kind: Kind,
  caller: Caller,
  at: { readonly workspace: string | null; readonly name: string },
  view: View,
  ifNoneMatch: string | undefined,
): Promise<Answer> {
  const document = await options.store.read(identityOf(caller), tx => tx.get({ kind: kind.kind, ...at }))
  if (!document || !permits(caller, kind, 'read', document)) throw absent(kind.kind, at.name)
  const tag = etag(document)
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, tag)) return { status: 304, headers: { etag: tag } }
  const [seen = document] = view === 'full' ? await withObserved(options, kind, [document]) : []
  return { status: 200, headers: { etag: tag }, body: show(seen, view) }
}

/** If-None-Match compares weakly (RFC 9110, 13.1.2). */
function matches(header: string, tag: string): boolean {
  return header.split(',').some(given => given.trim() === '*' || given.trim().replace(/^W\//, '') === tag)
}

/** The version that If-Match names: `*`, one tag, or undefined without the header. */
export function ifMatchOf(header: string | undefined): '*' | readonly string[] | undefined {
  if (header === undefined) return undefined
  if (header.trim() === '*') return '*'
  const tags = header.split(',').map(tag => /^\s*"([^"]*)"\s*$/.exec(tag)?.[1])
  const bad = tags.includes(undefined)
  if (bad)
    throw new Fault('invalid', 'If-Match is "<resourceVersion>" in double quotes, or *.', {
      reason: 'bad_if_match',
      details: [{ path: 'If-Match', rule: 'etag', message: 'use the ETag of a read, with its quotes' }],
    })
  return tags.filter(tag => tag !== undefined)
}

export function checkIfMatch(wanted: '*' | readonly string[] | undefined, { metadata }: Document): void {
  if (wanted === undefined || wanted === '*' || wanted.includes(metadata.resourceVersion)) return
  throw new Fault(
    'stale',
    `${metadata.name} was changed meanwhile: it is at version ${metadata.resourceVersion}. Read it again and repeat.`,
  )
}
