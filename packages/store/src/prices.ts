// Published price books as rows: versions are added, and hold until the next one of their name begins.
import { createHash } from 'node:crypto'
import { matchOf, type PriceRate } from '@switchyard/kinds'
import type { BookVersion, PriceStore } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { canonicalJson } from './canonical.ts'
import type { Database } from './postgres/pool.ts'
import { clientOf } from './write.ts'

const bounds = (range: string) => `'from', (extract(epoch from lower(${range})) * 1000)::bigint,
  'to', (extract(epoch from upper(${range})) * 1000)::bigint`

const selection = `select b.id::text, b.name, b.version, encode(b.sha256, 'hex') as sha256, b.published_at,
    b.published_by, b.spec,
    case when not isempty(b.holds) then json_strip_nulls(json_build_object(${bounds('b.holds')})) end as holds,
    coalesce((
      select json_strip_nulls(json_agg(
        json_build_object('id', r.id::text, 'place', r.rate, ${bounds('r.holds')}) order by r.rate, r.id))
      from price_rates r where r.book = b.id and not isempty(r.holds)
    ), '[]') as rates
  from price_books b`

interface Row extends Pick<BookVersion, 'id' | 'name' | 'version' | 'sha256' | 'spec' | 'holds' | 'rates'> {
  readonly published_at: Date
  readonly published_by: string
}

const versionOf = ({ published_at, published_by, ...row }: Row): BookVersion => ({
  ...row,
  publishedAt: published_at.toISOString(),
  publishedBy: published_by,
})

/** What earlier versions of a name have left when one begins. */
const shortenings = [
  `update price_rates r set holds = r.holds * tstzrange(null, $2::timestamptz) from price_books b
   where b.id = r.book and b.name = $1 and r.holds && tstzrange($2::timestamptz, null)`,
  `update price_books set holds = holds * tstzrange(null, $2::timestamptz)
   where name = $1 and holds && tstzrange($2::timestamptz, null)`,
]

export async function readBooks(client: PoolClient, name?: string): Promise<readonly BookVersion[]> {
  const { rows } = await client.query<Row>(
    `${selection} where $1::text is null or b.name = $1 order by b.id`,
    [name ?? null],
  )
  return rows.map(versionOf)
}

export function pricesOn(database: Database): PriceStore {
  return {
    async standing(tx, name, { side, currency }) {
      const client = clientOf(tx)
      await client.query("select pg_advisory_xact_lock(hashtextextended('switchyard.prices', 0))")
      const { rows } = await client.query<Row>(
        `${selection} where b.side = $1 and b.currency = $2 and (not isempty(b.holds) or b.name = $3)
         order by b.id`,
        [side, currency, name],
      )
      return rows.map(versionOf)
    },

    async publish(tx, { name, version, publishedBy, spec }) {
      const client = clientOf(tx)
      const sha256 = createHash('sha256').update(canonicalJson({ name, spec, version })).digest()
      const { side, currency, from, to, rates } = spec
      for (const shortening of shortenings) await client.query(shortening, [name, from])
      const { rows } = await client.query<{ id: string; published_at: Date }>(
        `insert into price_books (name, version, side, currency, effective, holds, spec, sha256, published_by)
         select $1, $2, $3, $4, period, period, $7, $8, $9
         from tstzrange($5::timestamptz, $6::timestamptz) period
         returning id::text, published_at`,
        [name, version, side, currency, from, to ?? null, JSON.stringify(spec), sha256, publishedBy],
      )
      const [row] = rows
      if (!row) throw new TypeError('an insert without its row')
      await client.query(
        `insert into price_rates (book, rate, side, currency, unit, match_key, context, holds)
         select $1, at - 1, $2, $3, unit, match_key, int8range(low, high), tstzrange($4::timestamptz, $5::timestamptz)
         from unnest($6::text[], $7::text[], $8::bigint[], $9::bigint[])
           with ordinality as given(unit, match_key, low, high, at)`,
        [
          row.id,
          side,
          currency,
          from,
          to ?? null,
          rates.map(({ unit }) => unit),
          rates.map(keyOf),
          rates.map(({ context }) => context?.from ?? 0),
          rates.map(({ context }) => context?.to ?? null),
        ],
      )
      return { id: row.id, sha256: sha256.toString('hex'), publishedAt: row.published_at.toISOString() }
    },

    versions: (as, name) => database.transaction(as, { readOnly: true }, client => readBooks(client, name)),
  }
}

/** A rate for a context is more exact than the one for any, and holds beside it. */
const keyOf = (rate: PriceRate): string => (rate.context ? `${matchOf(rate)} context` : matchOf(rate))
