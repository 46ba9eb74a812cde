// Invitations and links for a new password, on the database's clock; each link is spent by the statement that finds it.
import type { Invitation, InvitedRole, LinkStore, NewInvitation, PersonRef } from '@switchyard/runtime'
import type { PoolClient } from 'pg'

interface InvitationRow {
  readonly id: string
  readonly email: string
  readonly display_name: string | null
  readonly roles: readonly InvitedRole[]
  readonly invited_by: string
  readonly scopes: readonly string[]
  readonly only_workspace: string | null
  readonly created_at: Date
  readonly expires_at: Date
}

function invitationOf(row: InvitationRow): Invitation {
  const { id, email, display_name, roles, invited_by, scopes, only_workspace, created_at, expires_at } = row
  return {
    id,
    email,
    ...(display_name === null ? {} : { displayName: display_name }),
    roles,
    invitedBy: invited_by,
    scopes,
    ...(only_workspace === null ? {} : { workspace: only_workspace }),
    createdAt: created_at.toISOString(),
    expiresAt: expires_at.toISOString(),
  }
}

const mostInvitations = 1000

/** Columns of an invitation that its maker gives, and their values in the same order. */
const given = 'id, hash, email, display_name, roles, invited_by, scopes, only_workspace'
const valuesOf = (invitation: NewInvitation, hash: string) => [
  invitation.id,
  hash,
  invitation.email,
  invitation.displayName ?? null,
  JSON.stringify(invitation.roles),
  invitation.invitedBy,
  invitation.scopes,
  invitation.workspace ?? null,
]

/** `run` is a transaction of the role that keeps what signing in remembers. */
export function linksOn(run: <T>(work: (client: PoolClient) => Promise<T>) => Promise<T>): LinkStore {
  const take = (table: 'invitations' | 'password_resets', hash: string) =>
    run(async client => {
      const { rowCount } = await client.query(
        `delete from ${table} where hash = $1 and expires_at > clock_timestamp()`,
        [hash],
      )
      return rowCount === 1
    })

  return {
    putInvitation: (invitation, hash, seconds) =>
      run(async client => {
        const { rows } = await client.query<InvitationRow>(
          `insert into invitations (${given}, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + make_interval(secs => $9))
           on conflict (email) do update set id = excluded.id, hash = excluded.hash,
             display_name = excluded.display_name, roles = excluded.roles, invited_by = excluded.invited_by,
             scopes = excluded.scopes, only_workspace = excluded.only_workspace,
             created_at = clock_timestamp(), expires_at = excluded.expires_at
           returning *`,
          [...valuesOf(invitation, hash), seconds],
        )
        const [row] = rows
        if (!row) throw new TypeError('the statement returns a row')
        return invitationOf(row)
      }),
    invitations: () =>
      run(async client => {
        const { rows } = await client.query<InvitationRow>(
          `select * from invitations where expires_at > clock_timestamp() order by created_at desc, id limit ${mostInvitations}`,
        )
        return rows.map(invitationOf)
      }),
    invitation: hash =>
      run(async client => {
        const { rows } = await client.query<InvitationRow>(
          'select * from invitations where hash = $1 and expires_at > clock_timestamp()',
          [hash],
        )
        return rows[0] && invitationOf(rows[0])
      }),
    takeInvitation: hash => take('invitations', hash),
    restoreInvitation: (invitation, hash) =>
      run(async client => {
        await client.query(
          `insert into invitations (${given}, created_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
          [...valuesOf(invitation, hash), invitation.createdAt, invitation.expiresAt],
        )
      }),
    withdrawInvitation: id =>
      run(async client => {
        const { rowCount } = await client.query('delete from invitations where id = $1', [id])
        return rowCount === 1
      }),

    putReset: ({ id, name, hash, madeBy, seconds }) =>
      run(async client => {
        const { rows } = await client.query<{ expires_at: Date }>(
          `insert into password_resets (user_id, user_name, hash, made_by, expires_at)
           values ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
           on conflict (user_id) do update set hash = excluded.hash, made_by = excluded.made_by,
             created_at = clock_timestamp(), expires_at = excluded.expires_at
           returning expires_at`,
          [id, name, hash, madeBy, seconds],
        )
        const [row] = rows
        if (!row) throw new TypeError('the statement returns a row')
        return { expiresAt: row.expires_at.toISOString() }
      }),
    reset: hash =>
      run(async client => {
        const { rows } = await client.query<PersonRef>(
          `select user_id as id, user_name as name from password_resets
           where hash = $1 and expires_at > clock_timestamp()`,
          [hash],
        )
        return rows[0]
      }),
    takeReset: hash => take('password_resets', hash),
  }
}
