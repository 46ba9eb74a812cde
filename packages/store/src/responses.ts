// Kept responses: sealed rows of one workspace each, which every gateway process finds.
import { Fault } from '@switchyard/kinds'
import { type ResponseScope, type ResponseStore, Sealed, type StoredResponse } from '@switchyard/runtime'
import { type Envelope, type Openers, open, type RandomBytes, seal } from './envelope.ts'
import type { KeyRing } from './keyring.ts'
import type { Database } from './postgres/pool.ts'
import { responsePlace } from './shelves.ts'

export interface ResponseOptions {
  /** How long one is kept after it was made or gone on from. Default 86,400. */
  readonly seconds?: number
  /** Bytes that one workspace may keep; the oldest beyond them go. Default 1 GiB. */
  readonly bytes?: number
}

interface Row {
  readonly id: string
  readonly model: string
  readonly upstream: string | null
  readonly previous: string | null
  readonly key_id: string | null
  readonly wrapped: Buffer | null
  readonly sealed: Buffer | null
}

interface Link extends Row {
  readonly depth: number
  /** Bytes of this row and of those after it in the conversation. */
  readonly upto: string
}

const as = { role: 'gateway' } as const

/** Written so much of a workspace's share since the last look, this process looks whether it is used up. */
const looksPerShare = 16

const insertion = `
insert into responses (workspace, project, id, model, upstream, previous, expires_at, key_id, wrapped, sealed)
select $1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7), $8, $9, $10
where exists (select from resources where kind = 'Workspace' and place = '' and name = $1)
on conflict (workspace, project, id) do update
set model = excluded.model, upstream = excluded.upstream, previous = excluded.previous, made_at = clock_timestamp(),
  expires_at = excluded.expires_at, key_id = excluded.key_id, wrapped = excluded.wrapped, sealed = excluded.sealed
-- An upstream that makes up its ids takes the place of nothing that is kept here.
where responses.upstream is not null or excluded.upstream is null
returning bytes`

const chain = (columns: string, bounds: string) => `
with recursive chain as (
  select ${columns}, 1 as depth, bytes as upto from responses
  where workspace = $1 and project = $2 and id = $3 and expires_at > clock_timestamp()
  union all
  select ${columns
    .split(', ')
    .map(column => `r.${column}`)
    .join(', ')}, c.depth + 1, c.upto + r.bytes
  from chain c join responses r on r.workspace = $1 and r.project = $2 and r.id = c.previous
  where r.expires_at > clock_timestamp() and ${bounds}
)`

const columns = 'id, model, upstream, previous, key_id, wrapped, sealed'
const reading = `${chain(columns, 'c.depth < $4 and c.upto <= $5')} select * from chain order by depth desc`

/** Those that would go in the next eighth of their time: a long conversation is not written anew with each turn. */
const renewal = `${chain('id, previous', 'c.depth < 10000')}
update responses r set expires_at = clock_timestamp() + make_interval(secs => $4)
from chain c where r.workspace = $1 and r.project = $2 and r.id = c.id
  and r.expires_at < clock_timestamp() + make_interval(secs => $4 * 0.875)`

export function responsesOn(
  database: Database,
  ring: Pick<KeyRing, 'opening' | 'sealing'>,
  random: RandomBytes,
  { seconds = 86_400, bytes: share = 1024 ** 3 }: ResponseOptions = {},
): ResponseStore {
  let written = 0

  const store: ResponseStore = {
    async keep(scope, response) {
      const { workspace } = scope
      const { id, model, upstream = null } = response
      const [previous, envelope] =
        response.upstream === undefined
          ? [
              response.previous,
              seal(
                await ring.sealing(),
                random,
                responsePlace(workspace, scope.project, id),
                response.content.reveal(),
              ),
            ]
          : [null, undefined]
      const { keyId = null, wrapped = null, sealed = null } = envelope ?? {}
      const place = [workspace, scope.project ?? '']
      const row = [...place, id, model, upstream, previous, seconds, keyId, wrapped, sealed]
      const { rows } = await database.transaction(as, { workspace }, async client => {
        if (previous !== null) await client.query(renewal, [...place, previous, seconds])
        return client.query<{ bytes: string }>({ name: 'keep_response', text: insertion, values: row })
      })
      written += Number(rows[0]?.bytes ?? 0)
      if (written < share / looksPerShare) return
      written = 0
      await database.transaction(as, {}, client => client.query('select prune_responses($1)', [share]))
    },

    async find(scope, id) {
      const { workspace, project } = scope
      const { rows } = await database.transaction(as, { workspace, readOnly: true }, client =>
        client.query<Row>({
          name: 'find_response',
          text: `select ${columns} from responses
            where workspace = $1 and project = $2 and id = $3 and expires_at > clock_timestamp()`,
          values: [workspace, project ?? '', id],
        }),
      )
      return rows[0] && opened(await openersOf(rows), scope, rows[0])
    },

    async chain(scope, id, most) {
      const { workspace, project } = scope
      const { rows } = await database.transaction(as, { workspace, readOnly: true }, client =>
        client.query<Link>({
          name: 'response_chain',
          text: reading,
          values: [workspace, project ?? '', id, most.links, most.bytes],
        }),
      )
      const [first, ...others] = rows
      if (!first) return undefined
      if (Number(first.upto) > most.bytes || (first.previous !== null && first.depth >= most.links))
        throw tooLong()
      if (first.previous !== null) return undefined
      const openers = await openersOf(rows)
      const found = rows.map(row => opened(openers, scope, row))
      const [root, ...later] = found.filter(one => one !== undefined)
      return root && later.length === others.length ? [root, ...later] : undefined
    },

    forget: ({ workspace, project }, id) =>
      database.transaction(as, { workspace }, async client => {
        const { rowCount } = await client.query(
          `delete from responses
           where workspace = $1 and project = $2 and id = $3 and expires_at > clock_timestamp()`,
          [workspace, project ?? '', id],
        )
        return rowCount === 1
      }),
  }
  return store

  /** Undefined for one that is sealed under a key which is not known any more: it is as good as gone. */
  function opened(
    keys: Openers,
    { workspace, project }: ResponseScope,
    row: Row,
  ): StoredResponse | undefined {
    const { id, model, upstream, previous } = row
    if (upstream !== null) return { id, model, upstream }
    const envelope = envelopeOf(row)
    if (!keys.byId.has(envelope.keyId)) return undefined
    const content = new Sealed(open(keys, responsePlace(workspace, project, id), envelope))
    return { id, model, previous, content }
  }

  function openersOf(rows: readonly Row[]): Promise<Openers> {
    return ring.opening([...new Set(rows.flatMap(({ key_id }) => key_id ?? []))])
  }
}

function envelopeOf({ key_id, wrapped, sealed }: Row): Envelope {
  if (key_id === null || wrapped === null || sealed === null)
    throw new TypeError('a response without an upstream is sealed')
  return { keyId: key_id, wrapped, sealed }
}

const tooLong = () =>
  new Fault(
    'too_large',
    'The conversation before this request is larger than a request may be: begin a new one, with what still matters in `input`.',
    { reason: 'body' },
  )
