// Sealed secrets beside their documents: written by callers, opened by the server's own role alone.
import { Fault } from '@switchyard/kinds'
import { Sealed, type Vault } from '@switchyard/runtime'
import { derived, type Envelope, open, type RandomBytes, seal } from './envelope.ts'
import { type KeyRing, type Known, putBack } from './keyring.ts'
import { masterKeyVersionsOn } from './master-keys.ts'
import type { Database } from './postgres/pool.ts'
import { countUses, type SecretRow, secretPlace, valuePlace } from './shelves.ts'
import { clientOf } from './write.ts'

interface EnvelopeRow {
  readonly key_id: string
  readonly wrapped: Buffer
  readonly sealed: Buffer
}

const as = { role: 'secrets' } as const
const reading = { readOnly: true } as const

const envelopeOf = ({ key_id, wrapped, sealed }: EnvelopeRow): Envelope => ({
  keyId: key_id,
  wrapped,
  sealed,
})

export function vaultOn(database: Database, ring: KeyRing, random: RandomBytes): Vault {
  const keptValue = (name: string) =>
    database.transaction(as, {}, async client => {
      const { rows } = await client.query<EnvelopeRow>(
        'select key_id, wrapped, sealed from sealed_values where name = $1',
        [name],
      )
      if (rows[0]) await client.query('select audit_unsealed_value($1)', [name])
      return rows[0]
    })

  const vault: Vault = {
    keys: masterKeyVersionsOn(database, ring, random),

    async put(tx, { kind, id, field }, value) {
      const client = clientOf(tx)
      // Within the write's own transaction: a version that was just added is already to be sealed under.
      const newest = await client.query<{ id: string }>(
        'select id from secret_keys order by version desc limit 1',
      )
      const keys = await ring.sealing(newest.rows[0]?.id)
      // Not an upsert: that would need the right to read what is sealed.
      const { rows } = await client.query<{ version: number | null }>(
        'delete from sealed_secrets where resource_id = $1 and field = $2 returning version',
        [id, field],
      )
      const version = (rows[0]?.version ?? 0) + 1
      const place = secretPlace({ kind, resource_id: id, field, version })
      const { keyId, wrapped, sealed } = seal(keys, random, place, value.reveal())
      await client.query(
        `insert into sealed_secrets (resource_id, field, version, key_id, wrapped, sealed)
         values ($1, $2, $3, $4, $5, $6)`,
        [id, field, version, keyId, wrapped, sealed],
      )
    },

    async read(kind, purpose = 'server') {
      const { rows } = await database.transaction(as, {}, async client => {
        await client.query('select audit_unsealed($1, $2)', [kind, purpose])
        return client.query<SecretRow & EnvelopeRow>(
          `select resource_id, field, kind, version, key_id, wrapped, sealed from sealed_secrets
           where kind = $1 order by resource_id, field`,
          [kind],
        )
      })
      const fields = new Map<string, Record<string, string>>()
      const unreadable = new Set<string>()
      const keys = await ring.opening([...new Set(rows.map(row => row.key_id))])
      for (const row of rows) {
        const text = opening(() => open(keys, secretPlace(row), envelopeOf(row)))
        if (text === undefined) unreadable.add(row.resource_id)
        else fields.set(row.resource_id, { ...fields.get(row.resource_id), [row.field]: text })
      }
      // Half of a credential would be sent as if it were the whole.
      for (const id of unreadable) fields.delete(id)
      const secrets = new Map([...fields].map(([id, values]) => [id, new Sealed(Object.freeze(values))]))
      return { secrets, unreadable: [...unreadable] }
    },

    async verify() {
      const uses = await database.transaction(as, reading, countUses)
      const { rows, keys } = await ring.refresh()
      const closed = [...uses].flatMap(([id, { responses: _lapses, ...kept }]) => {
        const count = Object.values(kept).reduce((sum, n) => sum + n, 0)
        return count === 0 || keys?.byId.has(id) ? [] : [{ id, count }]
      })
      if (closed.length === 0) return
      const count = closed.reduce((sum, one) => sum + one.count, 0)
      const [what, are] = count === 1 ? ['1 secret', 'is'] : [`${count} secrets`, 'are']
      const roots = closed.map(({ id }) => rows.find(row => row.id === id)?.root ?? id)
      throw new Fault(
        'unavailable',
        `${what} in the database ${are} sealed under the master key ${[...new Set(roots)].join(', ')}, which this server was not given: ${putBack}.`,
        { reason: 'secret_key_missing' },
      )
    },

    async keep(name, value) {
      const { keyId, wrapped, sealed } = seal(await ring.sealing(), random, valuePlace(name), value.reveal())
      await database.transaction(as, {}, client =>
        client.query(
          `insert into sealed_values (name, key_id, wrapped, sealed) values ($1, $2, $3, $4) on conflict do nothing`,
          [name, keyId, wrapped, sealed],
        ),
      )
      return (await vault.value(name)) ?? value
    },

    async value(name) {
      const row = await keptValue(name)
      if (!row) return undefined
      return new Sealed(open(await ring.opening([row.key_id]), valuePlace(name), envelopeOf(row)))
    },

    forget: name =>
      database.transaction(as, {}, async client => {
        await client.query('delete from sealed_values where name = $1', [name])
      }),

    async derive(purpose) {
      let from: Known = await ring.known()
      const keysOf = ({ keys }: Known) => (keys ? derived(keys, purpose).toReversed() : [])
      let keys = keysOf(from)
      return () => {
        const { latest } = ring
        if (latest && latest !== from) {
          from = latest
          keys = keysOf(from)
        }
        return keys
      }
    },
  }
  return vault
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
