// The log of changes as one identity may see it. What starts or stops being visible (a platform document
// shared with another workspace) reads as added or deleted.
import { type Document, Fault } from '@switchyard/kinds'
import type { Change } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { loggedDocument } from './documents.ts'

interface Row {
  readonly version: string
  readonly type: Change['type']
  readonly document: Document
  readonly before: Document | null
  readonly sees_after: boolean
  readonly sees_before: boolean
}

/** Must run in one snapshot (repeatable read), so that the bounds and the rows speak of the same moment. */
export async function readChanges(
  client: PoolClient,
  caller: boolean,
  after: string,
  limit: number,
  kinds: readonly string[] | undefined,
): Promise<{ readonly changes: readonly Change[]; readonly through: string }> {
  if (!/^\d{1,18}$/.test(after))
    throw new Fault('invalid', 'A version is a row of digits.', { reason: 'bad_version' })
  const bounds = await client.query<{ pruned: string; newest: string }>(
    'select pruned_through as pruned, newest_version() as newest from log_state',
  )
  const { pruned = '0', newest = '0' } = bounds.rows[0] ?? {}
  // Beyond the newest: a version of another database, or of one that was restored since.
  if (BigInt(after) < BigInt(pruned) || BigInt(after) > BigInt(newest))
    throw new Fault('expired', 'The log of changes no longer reaches back to this version: list again.', {
      reason: 'version_expired',
    })
  const sees = (share: string) =>
    caller
      ? `case when share is distinct from share_before then visible(kind, workspace, name, ${share}) else true end`
      : 'true'
  const { rows } = await client.query<Row>({
    name: caller ? 'changes-caller' : 'changes',
    text: `select version, type, document, before,
        case when type = 'MODIFIED' then ${sees('share')} else true end as sees_after,
        case when type = 'MODIFIED' then ${sees('share_before')} else true end as sees_before
      from changes
      where version > $1 and ($2::text[] is null or kind = any ($2))
      order by version limit $3`,
    values: [after, kinds ?? null, limit],
  })
  const last = rows.at(-1)
  return {
    changes: rows.map(changeOf),
    through: rows.length === limit && last ? last.version : newest,
  }
}

function changeOf({ version, type, document, before, sees_after, sees_before }: Row): Change {
  if (!sees_after && before) return { version, type: 'DELETED', document: versioned(before, version) }
  const after = loggedDocument(document)
  if (!sees_before) return { version, type: 'ADDED', document: after }
  return { version, type, document: after, ...(before ? { before: loggedDocument(before) } : {}) }
}

function versioned(document: Document, version: string): Document {
  return loggedDocument({ ...document, metadata: { ...document.metadata, resourceVersion: version } })
}
