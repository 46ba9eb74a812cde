// People: invitations and links for new passwords, which go alone to stdout where they are not mailed.
import type { OneTimeLink } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { parseDuration } from '../duration.ts'
import { readAll } from '../manifest/source.ts'
import { json, yaml } from '../output/formats.ts'
import { table } from '../output/table.ts'
import { askHidden } from './hidden.ts'

export interface InviteOptions {
  readonly role?: readonly string[]
  readonly name?: string
  readonly expires?: string
}

/** `platform/developer`, or one of the workspace; behind an @ the workspace, or `platform` for everywhere. */
function roleOf(text: string, own: string): { role: string; workspace: string | null } {
  const [role = '', place = own, ...more] = text.split('@')
  if (role === '' || place === '' || more.length > 0)
    throw new Fault('invalid', `--role ${text}: write ROLE, ROLE@WORKSPACE or ROLE@platform.`)
  return { role, workspace: place === 'platform' ? null : place }
}

function tell(cli: Cli, { url, mailed, expiresAt }: OneTimeLink, what: string, person: string): void {
  const until = `It works once, until ${expiresAt}.`
  if (mailed) cli.note(`${what} went to ${person} by mail. ${until}`)
  else {
    cli.note(`${what} for ${person}. ${until} Hand it over now: it is not shown again.`)
    cli.out(`${url ?? ''}\n`)
  }
}

export async function invite(cli: Cli, email: string, options: InviteOptions): Promise<void> {
  const { role = [], name, expires } = options
  const { workspace } = await cli.target()
  const link = await (await cli.client()).invite({
    email,
    displayName: name,
    roles: role.map(text => roleOf(text, workspace)),
    expiresSeconds: expires === undefined ? undefined : parseDuration(expires, '--expires'),
  })
  tell(cli, link, 'The invitation', email)
}

export async function invitations(cli: Cli): Promise<void> {
  const items = await (await cli.client()).invitations()
  const { output, headers } = cli.flags
  if (output === 'json') return cli.out(json({ items }))
  if (output === 'yaml') return cli.out(await yaml(items))
  if (items.length === 0) return cli.note('Nobody is invited.')
  const columns = ['EMAIL', 'ROLES', 'INVITED BY', 'EXPIRES', 'ID'].map(title => ({ title }))
  const rows = items.map(({ email, roles, invitedBy, expiresAt, id }) => [
    email,
    roles.map(({ role, workspace }) => `${role}@${workspace ?? 'platform'}`).join(', ') || '-',
    invitedBy,
    expiresAt,
    id,
  ])
  cli.out(table(columns, rows, { headers, paintHeader: cli.colors.bold }).text)
}

export async function uninvite(cli: Cli, given: string): Promise<void> {
  const client = await cli.client()
  const wanted = given.toLowerCase()
  const found = (await client.invitations()).find(({ id, email }) => id === given || email === wanted)
  if (!found) throw new Fault('not_found', `Nobody is invited as ${given}.`)
  await client.withdrawInvitation(found.id)
  cli.out(`invitation/${found.email} withdrawn\n`)
}

export async function resetPassword(cli: Cli, user: string): Promise<void> {
  const link = await (await cli.client()).resetPassword(user)
  tell(cli, link, 'A link to set a new password', user)
}

export async function unlock(cli: Cli, user: string): Promise<void> {
  await (await cli.client()).action('User', { workspace: null, name: user }, 'unlock')
  cli.out(`user/${user} unlocked\n`)
}

export async function changePassword(
  cli: Cli,
  { passwordStdin }: { readonly passwordStdin?: boolean },
): Promise<void> {
  const [current, fresh] = passwordStdin ? await twoLines(cli) : await asked(cli)
  await (await cli.client()).changePassword(current, fresh)
  cli.note('Your password is changed. Your other sessions have ended.')
}

async function twoLines(cli: Cli): Promise<readonly [string, string]> {
  const [current = '', fresh = ''] = (await readAll(cli.terminal.stdin, cli.signal)).split(/\r?\n/)
  if (current === '' || fresh === '')
    throw new Fault('invalid', 'Give the current password and the new one, a line each, on standard input.')
  return [current, fresh]
}

async function asked(cli: Cli): Promise<readonly [string, string]> {
  if (!cli.interactive)
    throw new Fault('invalid', 'Nobody is at a terminal to type a password: use --password-stdin.')
  const current = await askHidden(cli.terminal, 'Current password: ', cli.signal)
  const fresh = await askHidden(cli.terminal, 'New password: ', cli.signal)
  if ((await askHidden(cli.terminal, 'The new one again: ', cli.signal)) !== fresh)
    throw new Fault('invalid', 'The two are not the same. Nothing was changed.')
  return [current, fresh]
}
