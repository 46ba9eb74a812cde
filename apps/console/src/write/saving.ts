// Trying and saving what was written, and what to do when somebody else was first.
import { Fault } from '@switchyard/kinds/fault'
import type { Document, KindInfo } from '../api/catalogue.ts'
import { collectionPath, documentPath } from '../api/documents.ts'
import type { Exchange } from '../api/exchange.ts'
import { writableOf } from './draft.ts'
import { isRecord, isSame, type Members, type Path, valueIn, withValue } from './json.ts'

export type Outcome =
  | { readonly type: 'done'; readonly document: Document; readonly secret: string | undefined }
  /** Somebody has changed it since `base` was read. */
  | { readonly type: 'overtaken'; readonly theirs: Document }

const etagOf = ({ metadata }: Document) => `"${metadata.resourceVersion}"`

export async function saved(
  exchange: Exchange,
  kind: KindInfo,
  value: Members,
  base: Document | undefined,
  dryRun: boolean,
): Promise<Outcome> {
  const query = dryRun ? { dryRun } : {}
  const done = (body: unknown): Outcome => {
    const document = body as Document & { readonly secret?: string } // the console and the server are built together
    return { type: 'done', document, secret: document.secret }
  }
  if (!base) {
    const workspace = valueIn(value, ['metadata', 'workspace'])
    const path = collectionPath(kind, typeof workspace === 'string' ? workspace : null)
    return done((await exchange.send({ method: 'POST', path, query, body: value })).body)
  }
  const path = documentPath(kind, base.metadata)
  for (let against = base; ; )
    try {
      const headers = { 'if-match': etagOf(against) }
      return done((await exchange.send({ method: 'PUT', path, query, body: value, headers })).body)
    } catch (error) {
      if (!(error instanceof Fault) || (error.code !== 'stale' && error.reason !== 'raced')) throw error
      const theirs = (await exchange.send({ method: 'GET', path })).body as Document // likewise
      // What has been observed of it changes all the time, and is nothing that a person writes.
      if (!isSame(writableOf(theirs, kind), writableOf(base, kind))) return { type: 'overtaken', theirs }
      against = theirs
    }
}

/** One field of a document, as it is seen, set to another value. What somebody else has changed since is a conflict. */
export async function changed(
  exchange: Exchange,
  kind: KindInfo,
  document: Document,
  path: Path,
  value: unknown,
): Promise<Document> {
  const next = withValue(writableOf(document, kind), path, value)
  if (!isRecord(next)) throw new TypeError('A field of a document is set, not the document.')
  const outcome = await saved(exchange, kind, next, document, false)
  if (outcome.type === 'done') return outcome.document
  const { name, updatedBy } = outcome.theirs.metadata
  throw new Fault('conflict', `${updatedBy} has changed ${name} meanwhile. Look at it again.`, {
    reason: 'overtaken',
  })
}
