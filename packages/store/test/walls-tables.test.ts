// The second wall, in SQL alone: what a caller sees and changes in each table when it forgets every WHERE.
import { escapeLiteral } from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { hasWorkspace, openWalls } from './walls.bed.ts'

const walls = await openWalls()
const { eyes, as, tables } = walls
afterAll(walls.close)

describe('every table', () => {
  test('is enabled and forced, with a workspace column or without', async () => {
    const open = await tables(
      "not (c.relrowsecurity and c.relforcerowsecurity) and c.relname <> 'migrations'",
    )
    expect(open).toEqual([])
    expect(await tables(hasWorkspace)).toEqual([
      'accounts',
      'audit_log',
      'changes',
      'credits',
      'demand',
      'events',
      'grants',
      'held_devices',
      'invoice_lines',
      'invoices',
      'ledger_entries',
      'ledger_transactions',
      'refs',
      'resources',
      'responses',
      'rights',
      'sealed_secrets',
      'secret_hashes',
      'usage_counters',
      'usage_events',
      'usage_quarantine',
      'usage_rollups',
    ])
  })

  test('holds rows of both workspaces, so that the tests below prove something', async () => {
    for (const table of await tables(hasWorkspace)) {
      const { rows } = await eyes.query(
        `select distinct workspace from ${table} where workspace is not null order by 1`,
      )
      expect(rows, table).toEqual([{ workspace: 'blue' }, { workspace: 'red' }])
    }
  })

  test('shows nothing to no one: no settings, empty settings, an unknown principal, no scopes', async () => {
    const nobodies = [
      {},
      { principal: '', scopes: '', workspace: '' },
      { principal: 'user:nobody', scopes: '*' },
      { principal: 'user:red-admin', scopes: '' },
      { principal: 'user:red-admin' },
      { scopes: '*' },
    ]
    for (const table of await tables(`c.relname not in ('kinds', 'permissions', 'log_state')`))
      for (const settings of nobodies) {
        const said = `${table} ${JSON.stringify(settings)}`
        // Their own grants and their own User are theirs whatever the scopes.
        const own = 'principal' in settings && settings.principal === 'user:red-admin'
        const rest = !own
          ? ''
          : table === 'grants' || table === 'rights'
            ? 'where principal <> principal()'
            : table === 'resources' || table === 'changes'
              ? "where kind <> 'User'"
              : ''
        expect([0, 'denied'], said).toContain(await as('user', settings, `select 1 from ${table} ${rest}`))
        expect([0, 'denied'], said).toContain(await as('user', settings, `delete from ${table}`))
      }
  })

  test('CP4.21: gives a member of red, for every verb, no row of blue', async () => {
    const red = { principal: 'user:red-admin', scopes: '*' }
    for (const table of await tables(hasWorkspace)) {
      const count = await as('user', red, `select 1 from ${table} where workspace = 'blue'`)
      expect([0, 'denied'], table).toContain(count)
      expect([0, 'denied'], table).toContain(
        await as('user', red, `delete from ${table} where workspace = 'blue'`),
      )
      expect([0, 'denied'], table).toContain(await as('user', red, `update ${table} set workspace = 'red'`))
      const { rows } = await eyes.query<{ column: string }>(
        `select a.attname as column from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0
         and not a.attisdropped and a.attgenerated = '' and has_column_privilege('switchyard_user', a.attrelid, a.attnum, 'update')`,
        [table],
      )
      for (const { column } of rows)
        expect([0, 'denied'], `${table}.${column}`).toContain(
          await as('user', red, `update ${table} set ${column} = ${column} where workspace = 'blue'`),
        )
    }
    // And it is not blindness: their own rows are there.
    expect(await as('user', red, "select 1 from resources where workspace = 'red'")).toBeGreaterThan(3)
  })

  test('CP4.21: takes no row of blue from a member of red, whatever it says', async () => {
    const red = { principal: 'user:red-admin', scopes: '*' }
    for (const table of await tables(hasWorkspace)) {
      const { rows: columns } = await eyes.query<{ name: string }>(
        `select quote_ident(a.attname) as name from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0
         and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
         and has_column_privilege('switchyard_user', a.attrelid, a.attnum, 'insert')`,
        [table],
      )
      if (columns.length === 0) continue
      const names = columns.map(({ name }) => name).join(', ')
      const { rows } = await eyes.query<{ row: unknown }>(
        `select to_jsonb(t) as row from ${table} t where workspace = 'blue'`,
      )
      expect(rows.length, table).toBeGreaterThan(0)
      for (const { row } of rows)
        expect(
          await as(
            'user',
            red,
            `insert into ${table} (${names}) select ${names} from jsonb_populate_record(null::${table}, ${escapeLiteral(JSON.stringify(row))})`,
          ),
          `${table} ${JSON.stringify(row)}`,
        ).toBe('denied')
    }
  })

  test('belongs to the owner alone; no other role owns a thing, passes a policy or makes a role', async () => {
    const { rows: owned } = await eyes.query<{ owner: string }>(
      `select distinct pg_get_userbyid(o.owner) as owner from (
         select relowner from pg_class where relnamespace = 'switchyard'::regnamespace
         union select proowner from pg_proc where pronamespace = 'switchyard'::regnamespace
         union select typowner from pg_type where typnamespace = 'switchyard'::regnamespace
         union select nspowner from pg_namespace where nspname = 'switchyard'
       ) o (owner)`,
    )
    expect(owned).toEqual([{ owner: 'switchyard_owner' }])
    const { rows: strong } = await eyes.query(
      `select rolname from pg_roles where rolname like 'switchyard\\_%'
       and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolcanlogin)`,
    )
    expect(strong).toEqual([])
    const { rows: members } = await eyes.query(
      `select m.rolname as member, r.rolname as role from pg_auth_members a join pg_roles m on m.oid = a.member
       join pg_roles r on r.oid = a.roleid where m.rolname like 'switchyard\\_%'`,
    )
    expect(members).toEqual([])
    const { rows: definers } = await eyes.query(
      `select relname from pg_class where relnamespace = 'switchyard'::regnamespace and relkind in ('v', 'm')
       and not coalesce(reloptions @> array['security_invoker=true'], false)`,
    )
    expect(definers).toEqual([])
  })

  test('is closed to the role that every connection starts with', async () => {
    for (const table of await tables('true'))
      expect(await as('nobody', {}, `select 1 from switchyard.${table}`)).toBe('denied')
  })
})
