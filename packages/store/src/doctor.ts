// The checks of a database: its assertions, its schema, its clock, and whether what is sealed opens.
import { kinds } from '@switchyard/kinds'
import type { Check, Finding, Vault } from '@switchyard/runtime'
import { type Assertion, assertionsOf, type Warnings } from './assertions.ts'
import { readMigrations } from './migrate.ts'
import type { Database } from './postgres/pool.ts'
import { onlyRow } from './postgres/row.ts'

interface Counted {
  readonly total: string
  readonly wrong: string
  readonly names: readonly string[]
}

const as = { role: 'doctor' } as const
/** Seconds between our clock and the database's from which it is told, and from which nothing can be relied on. */
const drift = { warns: 2, fails: 60 }

export function databaseChecks(
  database: Database,
  vault: Vault,
  now: () => number,
  warnings?: Warnings,
): readonly Check[] {
  const ask = <T extends object>(sql: string) =>
    database.transaction(as, { isolation: 'repeatable read', readOnly: true }, async client => {
      // Sums over a whole ledger take longer than what people wait for.
      await client.query("set local statement_timeout = '300s'")
      return onlyRow(await client.query<T>(sql))
    })

  const checkOf = ({ name, asserts, things, todo, warns, sql }: Assertion): Check => ({
    name,
    asserts,
    todo,
    async run() {
      const { total, wrong, names } = await ask<Counted>(sql)
      if (wrong === '0') return { status: 'pass', found: `${total} ${things}` }
      const more = BigInt(wrong) > BigInt(names.length) ? ', …' : ''
      const found = `${wrong} of ${total} ${things}: ${names.join(', ')}${more}`
      return { status: warns ? 'warn' : 'fail', found }
    },
  })

  return [
    {
      name: 'migrations',
      asserts: 'The database has the schema of this program.',
      todo: 'Start the newest version of the server that has run on it.',
      async run() {
        const known = await readMigrations()
        const { names } = await ask<{ readonly names: readonly string[] }>(
          'select array_agg(name order by number) as names from migrations',
        )
        const wrong = known.filter(({ name }, at) => names[at] !== name).map(({ name }) => name)
        const others = names.slice(known.length)
        if (wrong.length + others.length === 0) return { status: 'pass', found: `${names.length} migrations` }
        return {
          status: 'fail',
          found: `missing: ${wrong.join(', ') || 'none'}; unknown: ${others.join(', ') || 'none'}`,
        }
      },
    },
    {
      name: 'clock',
      asserts: 'The clock of the server and that of the database agree to 2 seconds.',
      todo: 'Let both follow a time server: expiries are by either clock.',
      async run() {
        const { ms } = await ask<{ readonly ms: string }>(
          'select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms',
        )
        const seconds = Math.abs(now() - Number(ms)) / 1000
        const status = seconds < drift.warns ? 'pass' : seconds < drift.fails ? 'warn' : 'fail'
        return { status, found: `${seconds.toFixed(1)} seconds apart` }
      },
    },
    {
      name: 'master_keys',
      asserts: 'Every version of the master key that something is sealed under opens here.',
      todo: 'Put the root key back, as `switchyard admin keys list` names it; docs/secrets.md says how.',
      run: () => standingOf(vault),
    },
    {
      name: 'sealed_values',
      asserts: 'Every sealed secret opens.',
      todo: 'Write the value of the Credential again; what is named is the id of its document.',
      run: () => openingOf(vault),
    },
    ...assertionsOf(warnings).map(checkOf),
  ]
}

async function standingOf({ keys }: Vault): Promise<Finding> {
  const versions = await keys.list()
  const used = ({ uses }: (typeof versions)[number]) => Object.values(uses).reduce((sum, n) => sum + n, 0)
  const closed = versions.filter(version => !version.opens && used(version) > 0)
  if (closed.length > 0)
    return {
      status: 'fail',
      found: closed
        .map(one => `${used(one)} values under version ${one.version}, of the root key ${one.root}`)
        .join('; '),
    }
  const left = versions.slice(1).reduce((sum, version) => sum + used(version), 0)
  const all = versions.reduce((sum, version) => sum + used(version), 0)
  if (left > 0) return { status: 'warn', found: `${left} of ${all} values still under older versions` }
  return { status: 'pass', found: `${all} values under version ${versions[0]?.version ?? 'none'}` }
}

async function openingOf(vault: Vault): Promise<Finding> {
  let opened = 0
  const closed: string[] = []
  for (const { kind } of kinds.filter(({ secretForm }) => secretForm === 'sealed')) {
    const { secrets, unreadable } = await vault.read(kind, 'doctor')
    opened += secrets.size
    closed.push(...unreadable.map(id => `${kind} ${id}`))
  }
  if (closed.length === 0) return { status: 'pass', found: `${opened} documents with secrets` }
  return {
    status: 'fail',
    found: `${closed.length} of ${opened + closed.length}: ${closed.slice(0, 5).join(', ')}`,
  }
}
