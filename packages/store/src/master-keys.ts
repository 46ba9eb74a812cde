// How the versions of the master key stand, and how the newest takes over: one version more, then every value under it, a
// batch at a time, while everything runs.
import { Fault } from '@switchyard/kinds'
import type { MasterKeyVersion, MasterKeyVersions } from '@switchyard/runtime'
import type { RandomBytes } from './envelope.ts'
import type { KeyRing, KeyRow } from './keyring.ts'
import type { Database } from './postgres/pool.ts'
import { countUses, shelves, turnBatch } from './shelves.ts'

const as = { role: 'secrets' } as const
/** Rows that one transaction of a rewrap takes, so that a killed one has lost little. */
const batch = 200
/** By then every process has read of a newer version, and seals under it. */
const settleSeconds = 60

export function masterKeyVersionsOn(
  database: Database,
  ring: KeyRing,
  random: RandomBytes,
): MasterKeyVersions {
  const uses = () => database.transaction(as, { readOnly: true }, countUses)

  const versionOf = (
    { id, version, root, made_at }: KeyRow,
    opens: ReadonlyMap<string, unknown> | undefined,
    used: Readonly<Record<string, number>> = {},
  ): MasterKeyVersion => ({
    version,
    id,
    root,
    madeAt: made_at.toISOString(),
    opens: opens?.has(id) ?? false,
    uses: Object.fromEntries(shelves.map(({ name }) => [name, used[name] ?? 0])),
  })

  /** Wraps versions that other roots wrap under the first one, so that those may be taken away. */
  async function bringUnderFirstRoot(): Promise<void> {
    const [first] = ring.roots
    const { rows } = await ring.known()
    for (const row of rows) {
      const holder = ring.roots.find(root => root.id === row.root)
      if (!first || !holder || holder === first || row.wrapped === null) continue
      const wrapped = Buffer.from(await first.wrap(await holder.unwrap(row.wrapped, row.id), row.id))
      await database.transaction(as, {}, client =>
        client.query('update secret_keys set root = $2, wrapped = $3 where id = $1 and root = $4', [
          row.id,
          first.id,
          wrapped,
          row.root,
        ]),
      )
    }
    await ring.refresh()
  }

  return {
    async list() {
      const used = await uses()
      const { rows, keys } = await ring.refresh()
      return rows.map(row => versionOf(row, keys?.byId, used.get(row.id)))
    },

    async add() {
      const [newest] = (await ring.refresh()).rows
      const row = await ring.add(newest?.version ?? 0)
      return versionOf(row, (await ring.known()).keys?.byId)
    },

    async adopt() {
      const { rows } = await ring.refresh()
      const [newest] = rows
      if (newest?.root !== ring.roots[0]?.id) await ring.add(newest?.version ?? 0)
      await bringUnderFirstRoot()
    },

    async drop(version) {
      const { rows } = await ring.refresh()
      const row = rows.find(one => one.version === version)
      if (!row)
        throw new Fault('not_found', `There is no version ${version} of the master key.`, {
          reason: 'no_such_version',
        })
      if (row === rows[0])
        throw new Fault(
          'conflict',
          `Version ${version} is what secrets are sealed under: add a newer one first.`,
          {
            reason: 'newest_key',
          },
        )
      const dropped = await database.transaction(as, {}, async client => {
        // Who seals a value just now holds the row by its reference: this waits, and then counts it.
        await client.query('select from secret_keys where id = $1 for update', [row.id])
        const used = Object.values((await countUses(client)).get(row.id) ?? {}).reduce((sum, n) => sum + n, 0)
        if (used > 0)
          throw new Fault(
            'conflict',
            `${used} values are still sealed under version ${version}: wait until they are rewrapped, as \`switchyard admin keys list\` tells.`,
            { reason: 'key_in_use' },
          )
        const { rowCount } = await client.query(
          `delete from secret_keys where id = $1
           and (select max(made_at) from secret_keys) < clock_timestamp() - make_interval(secs => $2)`,
          [row.id, settleSeconds],
        )
        return rowCount === 1
      })
      if (!dropped)
        throw new Fault(
          'conflict',
          `A newer version was added less than ${settleSeconds} seconds ago, and not every process may know it yet: try again in a minute.`,
          { reason: 'key_unsettled' },
        )
      await ring.refresh()
    },

    async rewrap(signal) {
      const { rows } = await ring.refresh()
      if (rows.length < 2) return 0
      const keys = await ring.sealing(rows[0]?.id)
      let done = 0
      for (const shelf of shelves)
        for (let damaged = 0; ; ) {
          signal?.throwIfAborted()
          const limit = batch + damaged
          const looked = await database.transaction(as, {}, client =>
            turnBatch(client, shelf, keys, random, limit),
          )
          damaged = looked.damaged
          if (looked.turned === 0) break
          done += looked.turned
        }
      return done
    },

    async refresh() {
      await ring.refresh()
    },
  }
}
