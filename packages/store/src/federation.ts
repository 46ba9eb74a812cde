// Links of outside subjects, groups and one-time codes of sign-in, on the database's clock.
import type { FederationStore, PersonRef } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { recordAudit } from './audit/record.ts'

/** `run` is a transaction of the role that keeps what signing in remembers. */
export function federationOn(
  run: <T>(work: (client: PoolClient) => Promise<T>) => Promise<T>,
): FederationStore {
  const find = async (client: PoolClient, issuer: string, subject: string) => {
    const { rows } = await client.query<PersonRef>(
      'select user_id as id, user_name as name from identities where issuer = $1 and subject = $2',
      [issuer, subject],
    )
    return rows[0]
  }
  return {
    linked: (issuer, subject) => run(client => find(client, issuer, subject)),
    link: (issuer, subject, person) =>
      run(async client => {
        await client.query(
          `insert into identities (issuer, subject, user_id, user_name) values ($1, $2, $3, $4)
           on conflict do nothing`,
          [issuer, subject, person.id, person.name],
        )
        // Another snapshot than the insert's: it sees who came first.
        return (await find(client, issuer, subject))?.id === person.id
      }),

    setGroups: ({ id, name }, provider, groups) =>
      run(async client => {
        const gone = await client.query(
          'delete from group_members where user_id = $1 and provider = $2 and group_name <> all ($3)',
          [id, provider, groups],
        )
        const come = await client.query(
          `insert into group_members (user_id, user_name, provider, group_name)
           select $1, $2, $3, unnest($4::text[]) on conflict do nothing`,
          [id, name, provider, groups],
        )
        if ((gone.rowCount ?? 0) + (come.rowCount ?? 0) === 0) return
        await recordAudit(client, {
          workspace: null,
          action: 'identity.groups',
          resource: { kind: 'User', name, uid: id },
          actor: `user:${name}`,
          reason: provider,
          after: groups,
        })
      }),
    groups: ({ id }) =>
      run(async client => {
        const { rows } = await client.query<{ provider: string; group: string }>(
          'select provider, group_name as "group" from group_members where user_id = $1 order by 1, 2',
          [id],
        )
        return rows
      }),

    putSignInCode: ({ hash, challenge, person, provider }, seconds) =>
      run(async client => {
        await client.query(
          `insert into sign_in_codes (hash, user_id, user_name, provider, challenge, expires_at)
           values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))`,
          [hash, person.id, person.name, provider, challenge, seconds],
        )
      }),
    takeSignInCode: hash =>
      run(async client => {
        const { rows } = await client.query<{
          id: string
          name: string
          provider: string
          challenge: string
        }>(
          `delete from sign_in_codes where hash = $1 and expires_at > clock_timestamp()
           returning user_id as id, user_name as name, provider, challenge`,
          [hash],
        )
        const [row] = rows
        if (!row) return undefined
        const { id, name, provider, challenge } = row
        return { hash, challenge, person: { id, name }, provider }
      }),
  }
}
