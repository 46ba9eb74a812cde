// A key for each person whom the trail names: 32 bytes, wrapped like all that is sealed. Who it is stands nowhere beside
// it, only a mark that nobody makes without a value that is sealed itself.
import { createHmac, type KeyObject, randomUUID } from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import { type ErasedPerson, type PersonKey, type Persons, Sealed, type Vault } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { dataKeyOf, decrypt, encrypting, newDataKey, type RandomBytes } from '../envelope.ts'
import type { KeyRing } from '../keyring.ts'
import type { Database } from '../postgres/pool.ts'
import { personPlace } from '../shelves.ts'

const as = { role: 'audit' } as const
/** Of the value that marks are made with. */
const marking = 'persons of the trail'
/** Keys in memory. */
const mostKeys = 10_000

interface Row {
  readonly id: string
  readonly mark: Buffer
  readonly key_id: string | null
  readonly wrapped: Buffer | null
  readonly erased_at: string | null
}

type Standing = Row & { readonly key_id: string; readonly wrapped: Buffer }

const stands = (row: Row): row is Standing => row.key_id !== null && row.wrapped !== null

const columns = `id, mark, key_id, wrapped, to_char(erased_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as erased_at`

export function personsOn(database: Database, ring: KeyRing, vault: Vault, random: RandomBytes): Persons {
  const keys = new Map<string, KeyObject>()
  const nonces = pooled(random)
  let secret: Promise<Sealed> | undefined

  async function marksOf(whom: Iterable<string>): Promise<ReadonlyMap<string, Buffer>> {
    secret ??= vault.keep(marking, new Sealed(Buffer.from(random(32)).toString('base64url')))
    const key = await secret.catch((error: unknown) => {
      secret = undefined
      throw error
    })
    return new Map([...whom].map(who => [who, createHmac('sha256', key.reveal()).update(who).digest()]))
  }

  async function keyOf({ id, key_id: keyId, wrapped }: Standing): Promise<KeyObject> {
    const known = keys.get(id)
    if (known) return known
    const key = dataKeyOf(await ring.opening([keyId]), personPlace(id), { keyId, wrapped })
    const [oldest] = keys.keys()
    if (oldest !== undefined && keys.size >= mostKeys) keys.delete(oldest)
    keys.set(id, key)
    return key
  }

  const standing = async (row: Standing): Promise<PersonKey> => personKey(row.id, await keyOf(row), nonces)

  const rowsOf = (marks: readonly Buffer[]): Promise<readonly Row[]> =>
    database.transaction(as, { readOnly: true }, async client => {
      const found = await client.query<Row>(
        `select ${columns} from audit_persons where mark = any ($1::bytea[]) order by erased_at`,
        [marks],
      )
      return found.rows
    })

  async function make(marks: readonly Buffer[]): Promise<void> {
    const sealing = await ring.sealing()
    await database.transaction(as, {}, async client => {
      for (const mark of marks) {
        const id = randomUUID()
        const { keyId, wrapped } = newDataKey(sealing, random, personPlace(id))
        await client.query(
          'insert into audit_persons (id, mark, key_id, wrapped) values ($1, $2, $3, $4) on conflict do nothing',
          [id, mark, keyId, wrapped],
        )
      }
    })
  }

  return {
    async of(whom) {
      if (whom.size === 0) return () => undefined
      const marks = await marksOf(whom)
      let rows = await rowsOf([...marks.values()])
      const named = new Set(rows.filter(stands).map(({ mark }) => mark.toString('hex')))
      const strangers = [...marks.values()].filter(mark => !named.has(mark.toString('hex')))
      if (strangers.length > 0) {
        await make(strangers)
        rows = await rowsOf([...marks.values()])
      }
      const byMark = Map.groupBy(rows, ({ mark }) => mark.toString('hex'))
      const found = new Map<
        string,
        { readonly erased: readonly Row[]; readonly now: PersonKey | undefined }
      >()
      for (const [who, mark] of marks) {
        const own = byMark.get(mark.toString('hex')) ?? []
        const row = own.find(stands)
        found.set(who, { erased: own.filter(one => !stands(one)), now: row && (await standing(row)) })
      }
      return (who, at) => {
        const { erased = [], now } = found.get(who) ?? {}
        const before = erased.find(({ erased_at: until }) => until !== null && at <= until)
        return before ? { id: before.id, open: () => undefined } : now
      }
    },

    async known(whom) {
      const marks = await marksOf(whom)
      return (await rowsOf([...marks.values()])).filter(stands).map(({ id }) => id)
    },

    async opening(ids) {
      if (ids.length === 0) return new Map()
      const rows = await database.transaction(as, { readOnly: true }, async client => {
        const found = await client.query<Row>(
          `select ${columns} from audit_persons where id = any ($1::uuid[])`,
          [ids],
        )
        return found.rows
      })
      const open = new Map<string, PersonKey>()
      for (const row of rows) if (stands(row)) open.set(row.id, await standing(row))
      return open
    },

    erase: (identity, whom) =>
      database.transaction(identity, {}, async client => {
        const all = new Set([...whom, ...(await mailsOf(client, whom))])
        const marks = await marksOf(all)
        const erased: ErasedPerson[] = []
        for (const [principal, mark] of marks) {
          const { rows } = await client.query<{ person: string; known: boolean }>(
            'select person, known from audit_erase($1)',
            [mark],
          )
          const [row] = rows
          if (row) erased.push({ principal, ...row })
        }
        for (const { person } of erased) keys.delete(person)
        return erased
      }),
  }
}

/** What entries of users name beside them. */
async function mailsOf(client: PoolClient, whom: readonly string[]): Promise<readonly string[]> {
  const users = whom.flatMap(who => (who.startsWith('user:') ? [who.slice('user:'.length)] : []))
  const { rows } = await client.query<{ mail: string }>('select mail from audit_mails($1::text[]) mail', [
    users,
  ])
  return rows.map(({ mail }) => `email:${mail}`)
}

/** The same bytes, drawn some thousands at once: a draw costs more than what an entry needs of it. */
function pooled(random: RandomBytes): RandomBytes {
  let pool = new Uint8Array(0)
  return size => {
    if (pool.length < size) pool = new Uint8Array(random(Math.max(4096, size)))
    const drawn = pool.slice(0, size)
    pool = pool.subarray(size)
    return drawn
  }
}

function personKey(id: string, key: KeyObject, random: RandomBytes): PersonKey {
  const aad = (bound: string) => Buffer.from(['person', id, bound].join('\0'))
  return {
    id,
    seal(text, bound) {
      const { nonce, add, end } = encrypting(key, random, aad(bound))
      return Buffer.concat([nonce, add(text), end()]).toString('base64url')
    },
    open(sealed, bound) {
      try {
        return decrypt(key, aad(bound), Buffer.from(sealed, 'base64url')).toString()
      } catch (error) {
        // The log itself tells where it was altered; the rest of it is read on.
        if (error instanceof Fault) return undefined
        throw error
      }
    },
  }
}
