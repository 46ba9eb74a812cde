// The roles that the store works with, and how they come to be.
import { Fault } from '@switchyard/kinds'
import { type Client, DatabaseError } from 'pg'

export const roles = [
  'switchyard_owner',
  'switchyard_nobody',
  'switchyard_user',
  'switchyard_control',
  'switchyard_agent',
  'switchyard_gateway',
  'switchyard_secrets',
  'switchyard_identity',
  'switchyard_ingest',
  'switchyard_audit',
  'switchyard_doctor',
  'switchyard_invoice',
  'switchyard_seal',
] as const

/** Makes the roles that are missing and lets the connecting user take each. They belong to the whole server. */
export async function ensureRoles(client: Client): Promise<void> {
  const { rows } = await client.query<{ role: string; exists: boolean; member: boolean }>(
    `select role, r.oid is not null as exists,
       coalesce(pg_has_role(session_user, r.oid, 'member'), false) as member
     from unnest($1::text[]) as role left join pg_roles r on r.rolname = role`,
    [roles],
  )
  try {
    for (const { role, exists, member } of rows) {
      if (!exists) await create(client, role)
      if (!member) await client.query(`grant ${role} to session_user`)
    }
  } catch (cause) {
    if (!(cause instanceof DatabaseError) || cause.code !== '42501') throw cause
    throw new Fault(
      'unavailable',
      `The database user may not make the roles that Switchyard needs: give it CREATEROLE, or make the roles ${roles.join(', ')} (nologin) and grant each to it.`,
      { reason: 'roles_missing', cause },
    )
  }
}

async function create(client: Client, role: string): Promise<void> {
  try {
    await client.query(`create role ${role} nologin`)
  } catch (error) {
    // Another process made it meanwhile.
    if (!(error instanceof DatabaseError) || !['42710', '23505'].includes(error.code ?? '')) throw error
  }
}
