// What the policies need to know of kinds and permissions, as rows of the tables of these names.
import { type Kind, kinds, permissions } from '@switchyard/kinds'
import type { Client } from 'pg'

/** Platform documents of these kinds have no spec.share and may be read in every workspace. */
const sharedWithAll = new Set(['Role'])

/** No reconciler has these: their status is written with their spec. */
const ownStatus = new Set([
  'ApiKey',
  'Role',
  'RoleAssignment',
  'ServiceAccount',
  'Project',
  'Workspace',
  'Engine',
  'Credential',
  'Provider',
  'Guardrail',
  'McpServer',
  'Issuer',
  'IdentityProvider',
  'Route',
  'PriceBook',
  'LegalEntity',
])

const agentWrites = new Set(['Replica', 'Cluster'])
const agentReads = new Set(['Endpoint', 'Revision', 'Model', 'ModelRegistry', 'Engine'])

/** What a gateway's snapshot is compiled from. */
const gatewayReads = new Set([
  'Engine',
  'Workspace',
  'Project',
  'User',
  'ServiceAccount',
  'Role',
  'RoleAssignment',
  'ApiKey',
  'Model',
  'Endpoint',
  'Revision',
  'Replica',
  'Credential',
  'Provider',
  'Guardrail',
  'McpServer',
  'Issuer',
  'IdentityProvider',
  'Route',
  'PriceBook',
])

/** A spec that is one of several shapes has `share` in each of them, or in none. */
function shapeOf(spec: Kind['spec']): unknown {
  if ('shape' in spec) return spec.shape
  const options: unknown = 'options' in spec ? spec.options : undefined
  const first: unknown = Array.isArray(options) ? options[0] : undefined
  return typeof first === 'object' && first !== null && 'shape' in first ? first.shape : undefined
}

function rowOf({ kind, noun, scope, system, spec }: Kind) {
  const shape = shapeOf(spec)
  const shareable = typeof shape === 'object' && shape !== null && 'share' in shape
  return {
    kind,
    noun,
    scope,
    system,
    sharing: sharedWithAll.has(kind) ? 'all' : shareable ? 'spec' : 'none',
    own_status: ownStatus.has(kind),
    agent: agentWrites.has(kind) ? 'status' : agentReads.has(kind) ? 'read' : 'none',
    gateway: gatewayReads.has(kind),
  }
}

export async function syncKinds(client: Client): Promise<void> {
  const { rowCount } = await client.query(
    `insert into kinds as k
     select * from jsonb_to_recordset($1::jsonb) as given(kind text, noun text, scope text, system boolean,
       sharing text, own_status boolean, agent text, gateway boolean)
     on conflict (kind) do update set noun = excluded.noun, scope = excluded.scope, system = excluded.system,
       sharing = excluded.sharing, own_status = excluded.own_status, agent = excluded.agent,
       gateway = excluded.gateway
     where (k.noun, k.scope, k.system, k.sharing, k.own_status, k.agent, k.gateway) is distinct from
       (excluded.noun, excluded.scope, excluded.system, excluded.sharing, excluded.own_status, excluded.agent,
         excluded.gateway)`,
    [JSON.stringify(kinds.map(rowOf))],
  )
  const { rowCount: walls } = await client.query("select where to_regclass('rights') is not null")
  if (walls === 0) return // before 0002 there are kinds alone
  await client.query('delete from permissions where permission <> all ($1)', [permissions])
  await client.query('insert into permissions select unnest($1::text[]) on conflict do nothing', [
    permissions,
  ])
  const { rowCount: above } = await client.query(
    "select from pg_attribute where attrelid = 'kinds'::regclass and attname = 'held_above' and not attisdropped",
  )
  if (above !== 0)
    await client.query(
      'update kinds set held_above = kind = any ($1) where held_above <> (kind = any ($1))',
      [kinds.filter(({ heldAbove }) => heldAbove).map(({ kind }) => kind)],
    )
  // What a pattern such as `*:read` covers has changed with the kinds.
  if (rowCount !== 0) await client.query('select expand_grants(null)')
}
