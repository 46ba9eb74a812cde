// Sealed secrets beside their documents: written by callers, opened by the server's own role alone.
import { Fault } from '@switchyard/kinds'
import { Sealed, type Vault } from '@switchyard/runtime'
import {
  derived,
  type Envelope,
  type MasterKeys,
  open,
  type RandomBytes,
  rewrapped,
  seal,
} from './envelope.ts'
import type { Database } from './postgres/pool.ts'
import { clientOf } from './write.ts'

interface Row {
  readonly resource_id: string
  readonly field: string
  readonly key_id: string
  readonly wrapped: Buffer
  readonly sealed: Buffer
}

const as = { role: 'secrets' } as const
/** Rows that one transaction of a rewrap takes, so that a killed one has lost little. */
const batch = 200

const placeOf = ({ resource_id, field }: Pick<Row, 'resource_id' | 'field'>) => ({ id: resource_id, field })
const envelopeOf = ({ key_id, wrapped, sealed }: Row): Envelope => ({ keyId: key_id, wrapped, sealed })

export function vaultOn(database: Database, keys: MasterKeys, random: RandomBytes): Vault {
  return {
    async put(tx, id, field, value) {
      const client = clientOf(tx)
      const { keyId, wrapped, sealed } = seal(keys, random, { id, field }, value.reveal())
      // Not an upsert: that would need the right to read what is sealed.
      await client.query('delete from sealed_secrets where resource_id = $1 and field = $2', [id, field])
      await client.query(
        `insert into sealed_secrets (resource_id, field, key_id, wrapped, sealed) values ($1, $2, $3, $4, $5)`,
        [id, field, keyId, wrapped, sealed],
      )
    },

    async read(kind, purpose = 'server') {
      const { rows } = await database.transaction(as, {}, async client => {
        await client.query('select audit_unsealed($1, $2)', [kind, purpose])
        return client.query<Row>(
          `select resource_id, field, key_id, wrapped, sealed from sealed_secrets
           where kind = $1 order by resource_id, field`,
          [kind],
        )
      })
      const fields = new Map<string, Record<string, string>>()
      const unreadable = new Set<string>()
      for (const row of rows) {
        const text = opening(() => open(keys, placeOf(row), envelopeOf(row)))
        if (text === undefined) unreadable.add(row.resource_id)
        else fields.set(row.resource_id, { ...fields.get(row.resource_id), [row.field]: text })
      }
      // Half of a credential would be sent as if it were the whole.
      for (const id of unreadable) fields.delete(id)
      const secrets = new Map([...fields].map(([id, values]) => [id, new Sealed(Object.freeze(values))]))
      return { secrets, unreadable: [...unreadable] }
    },

    async verify() {
      const { rows } = await database.transaction(as, { readOnly: true }, client =>
        client.query<{ key_id: string; count: string }>(
          `select key_id, count(*) from sealed_secrets where key_id <> all ($1) group by key_id order by key_id`,
          [[...keys.byId.keys()]],
        ),
      )
      const [first] = rows
      if (!first) return
      const count = rows.reduce((sum, row) => sum + Number(row.count), 0)
      const [what, are] = count === 1 ? ['1 secret', 'is'] : [`${count} secrets`, 'are']
      throw new Fault(
        'unavailable',
        `${what} in the database ${are} sealed under the master key ${rows.map(row => row.key_id).join(', ')}, which this server was not given: put the file secrets.key back, or name the key with SWITCHYARD_SECRET_KEY or SWITCHYARD_SECRET_KEY_FILE.`,
        { reason: 'secret_key_missing' },
      )
    },

    derive: purpose => derived(keys, purpose).map(key => new Sealed(key)),

    async rewrap() {
      let done = 0
      let last = { id: '00000000-0000-0000-0000-000000000000', field: '' }
      for (;;) {
        const rows = await database.transaction(as, {}, async client => {
          const found = await client.query<Row>(
            `select resource_id, field, key_id, wrapped, sealed from sealed_secrets
             where key_id <> $1 and key_id = any ($2) and (resource_id, field) > ($3, $4)
             order by resource_id, field limit ${batch} for update`,
            [keys.first.id, [...keys.byId.keys()], last.id, last.field],
          )
          for (const row of found.rows) {
            // A damaged one stays as it is: whoever reads it is told.
            const turned = opening(() => rewrapped(keys, random, placeOf(row), envelopeOf(row)))
            if (!turned) continue
            await client.query(
              'update sealed_secrets set key_id = $3, wrapped = $4 where resource_id = $1 and field = $2',
              [row.resource_id, row.field, turned.keyId, turned.wrapped],
            )
            done += 1
          }
          return found.rows
        })
        const [end] = rows.slice(-1)
        if (!end) return done
        last = placeOf(end)
      }
    },
  }
}

/** Undefined when it does not open: one damaged row must not keep the others from being used. */
function opening<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
