// The rows of every kind: what the route table says of documents, made from the kinds and not by hand.
import { type Kind, kinds } from '@switchyard/kinds'
import { z } from 'zod'
import { type ActionsOptions, actionRow } from './actions.ts'
import type { Authenticate } from './authenticate.ts'
import { authorize, type Place, writtenFrom } from './authorize.ts'
import { invalid } from './invalid.ts'
import {
  type ListingOptions,
  listDocuments,
  listQuerySchema,
  readDocument,
  readQuerySchema,
} from './listing.ts'
import { isObject } from './merge-patch.ts'
import type { Patience } from './patience.ts'
import { deleteDocument } from './removal.ts'
import {
  type CallerAsk,
  guarded,
  type Location,
  type Method,
  type Output,
  type Params,
  type Row,
} from './route.ts'
import { lastEventIdOf, type WatchOptions, watchDocuments } from './watch.ts'
import { createWriter, type WriteAsk, type WritingOptions } from './writing.ts'

export interface ResourcesOptions extends ListingOptions, WritingOptions, ActionsOptions, WatchOptions {
  readonly patience: Patience
  readonly authenticate: Authenticate
}

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform(text => text === 'true')
const writeQuery = z.strictObject({ dryRun: flag.describe('Do everything but keep it.') })
const deleteQuery = z.strictObject({
  dryRun: flag.describe('Do everything but keep it.'),
  cascade: flag.describe(
    'Delete what refers to it too, and all that a Workspace holds; needs the right to delete each.',
  ),
  force: flag.describe('Drop the finalizers; needs system:force and may leave things running outside.'),
})

/** Where the documents of a row live: below a workspace, or on the platform and across workspaces. */
interface Collection {
  readonly path: string
  /** Workspace of one document there. */
  readonly workspace: (params: Params) => string | null
  /** Workspace that a list there is of. */
  readonly listed: (params: Params) => Place
  readonly holdsDocuments: boolean
}

function collectionsOf(kind: Kind): readonly Collection[] {
  const inWorkspace: Collection = {
    path: `/api/v1/workspaces/{w}/${kind.plural}`,
    workspace: ({ w = '' }) => w,
    listed: ({ w = '' }) => w,
    holdsDocuments: true,
  }
  const flat: Collection = {
    path: `/api/v1/${kind.plural}`,
    workspace: () => null,
    listed: () => undefined,
    holdsDocuments: kind.scope !== 'workspace',
  }
  return kind.scope === 'platform' ? [flat] : [inWorkspace, flat]
}

export function resourceRows(options: ResourcesOptions): readonly Row[] {
  return kinds.flatMap(kind => collectionsOf(kind).flatMap(collection => rowsOf(options, kind, collection)))
}

function rowsOf(options: ResourcesOptions, kind: Kind, at: Collection): readonly Row[] {
  const writer = createWriter(options)
  const one = `${at.path}/{name}`
  const document = { component: kind.kind }
  const ok: Output = { status: 200, doc: `The ${kind.kind}.`, schema: document }
  const created: Output = { status: 201, doc: `The new ${kind.kind}.`, schema: document }
  const keyOf = (params: Params) => ({
    kind: kind.kind,
    workspace: at.workspace(params),
    name: params.name ?? '',
  })
  const writeOf = ({
    caller,
    body,
    query,
    headers,
    once,
  }: CallerAsk<z.output<typeof writeQuery>>): WriteAsk => ({
    caller,
    body,
    dryRun: query.dryRun,
    ifMatch: headers['if-match'],
    once,
  })
  const row = (
    method: Method,
    path: string,
    doc: string,
    locate: (params: Params) => Location,
    output: Output[],
  ) => ({
    method,
    path,
    doc,
    locate,
    output,
    kind: kind.kind,
  })
  // The right over one document is known when it is read: a platform document may be lent to a workspace.
  const locateRead = (params: Params): Location => {
    const { workspace, name } = keyOf(params)
    return { workspace: kind.kind === 'Workspace' ? name : (workspace ?? undefined), name }
  }
  const locateWrite = (params: Params): Location => {
    const { workspace, name } = keyOf(params)
    return { workspace: writtenFrom(kind, workspace), name }
  }
  const may = (verb: string) => ({ permission: `${kind.noun}:${verb}` })

  const list = guarded(
    may('read'),
    row('GET', at.path, `List or watch ${kind.plural}.`, params => ({ workspace: at.listed(params) }), [
      {
        status: 200,
        doc: 'A page, or with watch=true a stream of frames.',
        schema: { component: `${kind.kind}List` },
      },
    ]),
    { query: listQuerySchema },
    async ask => {
      const { caller, query, params, headers, requestId, signal } = ask
      const workspace = at.listed(params)
      if (query.watch !== true) return listDocuments(options, kind, caller, workspace, query)
      return watchDocuments(options, {
        kinds: [kind],
        caller,
        workspace,
        query,
        accept: headers.accept,
        lastEventId: lastEventIdOf(headers),
        requestId,
        signal,
      })
    },
  )
  const read = guarded(
    may('read'),
    row('GET', one, `Read one ${kind.kind}.`, locateRead, [
      ok,
      { status: 304, doc: 'Unchanged since the ETag of If-None-Match.' },
    ]),
    { query: readQuerySchema },
    ({ caller, params, query, headers }) =>
      readDocument(options, kind, caller, keyOf(params), query.view, headers['if-none-match']),
  )
  const remove = guarded(
    may('delete'),
    row('DELETE', one, `Delete one ${kind.kind}; it goes when its finalizers are done.`, locateWrite, [
      { ...ok, doc: 'It is gone.' },
      { status: 202, doc: 'It is being deleted.', schema: document },
    ]),
    { query: deleteQuery },
    async ({ caller, params, query, headers }) => {
      return deleteDocument(options, kind, keyOf(params), {
        caller,
        dryRun: query.dryRun,
        force: query.force,
        cascade: query.cascade,
        ifMatch: headers['if-match'],
      })
    },
  )
  const status = guarded(
    { permission: 'system:admin' },
    row(
      'PUT',
      `${one}/status`,
      `Write the status of one ${kind.kind} (reconcilers and agents).`,
      locateWrite,
      [ok],
    ),
    { query: writeQuery, document: kind.kind },
    ask => writer.status(kind, keyOf(ask.params), writeOf(ask)),
  )
  const reading = at.holdsDocuments ? [list, read] : [list]
  if (kind.system) return at.holdsDocuments ? [...reading, remove, status] : reading

  const create = guarded(
    may('create'),
    row(
      'POST',
      at.path,
      `Create one ${kind.kind}.`,
      params => ({ workspace: placeOfCreate(kind, at, params) }),
      [created],
    ),
    { query: writeQuery, document: kind.kind },
    ask => {
      const workspace = kind.scope === 'platform' ? null : workspaceOf(at, ask)
      if (kind.scope === 'workspace' && workspace === null)
        throw invalid([
          { path: 'metadata.workspace', rule: 'required', message: `a ${kind.kind} lives in a workspace` },
        ])
      authorize(ask.caller, `${kind.noun}:create`, writtenFrom(kind, workspace))
      return writer.create(kind, workspace, writeOf(ask))
    },
  )
  if (!at.holdsDocuments) return [...reading, create]
  const replace = guarded(
    may('update'),
    row('PUT', one, `Replace one ${kind.kind}; If-Match is required, * creates or replaces.`, locateWrite, [
      ok,
      created,
    ]),
    { query: writeQuery, document: kind.kind },
    ask => writer.replace(kind, keyOf(ask.params), writeOf(ask)),
  )
  const patch = guarded(
    may('update'),
    row('PATCH', one, `Change parts of one ${kind.kind} by JSON merge patch.`, locateWrite, [ok]),
    { query: writeQuery, document: kind.kind, media: 'application/merge-patch+json' },
    ask => writer.patch(kind, keyOf(ask.params), writeOf(ask)),
  )
  const actions = kind.actions.map(({ verb, permission, doc }) => {
    const action = actionRow(kind, verb)
    return guarded(
      { permission },
      row('POST', `${one}/actions/${verb}`, doc, locateWrite, [
        { status: 200, doc: action.doc, schema: document },
      ]),
      { query: writeQuery, body: action.input },
      ({ caller, params, query, body, once }) =>
        action.perform(options, kind, { caller, key: keyOf(params), body, dryRun: query.dryRun, once }),
    )
  })
  return [...reading, create, replace, patch, remove, status, ...actions]
}

/** Rights of a POST to a flat collection are known when its body is read. */
function placeOfCreate(kind: Kind, at: Collection, params: Params): Place {
  const place =
    at.listed(params) === undefined && kind.scope !== 'platform' ? undefined : at.workspace(params)
  return writtenFrom(kind, place)
}

/** The workspace that the address says; a flat collection takes it from the document. */
function workspaceOf(at: Collection, { params, body }: CallerAsk): string | null {
  const listed = at.listed(params)
  if (listed !== undefined) return listed
  const given = isObject(body) && isObject(body.metadata) ? body.metadata.workspace : undefined
  return typeof given === 'string' ? given : null
}
