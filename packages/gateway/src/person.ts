// A person who is signed in, where they say that they call, snapshot -> Principal.
import { Fault } from '@switchyard/kinds'
import type { LiveSession } from './door/sessions.ts'
import { mayCallIn } from './snapshot/principals.ts'
import type { Principal, Snapshot } from './snapshot.ts'
import type { Wishes } from './wishes.ts'

/** `unauthenticated`, `denied`, or `invalid` where no workspace is named. */
export function principalOf({ user, ended }: LiveSession, wishes: Wishes, snapshot: Snapshot): Principal {
  if (ended)
    throw new Fault('unauthenticated', 'This session has ended. Sign in again.', { reason: 'session_ended' })
  const owner = `user:${user}`
  if (!snapshot.people.has(user))
    throw new Fault('unauthenticated', 'This account is disabled.', { reason: 'account_disabled' })
  const workspace = wishes?.get('workspace')
  const project = wishes?.get('project') || null
  if (!workspace)
    throw new Fault('invalid', 'Say in which workspace you call: send `x-switchyard-workspace`.', {
      reason: 'workspace_required',
    })
  if (!mayCallIn(snapshot.callers, owner, workspace))
    throw new Fault(
      'denied',
      `You need inference:call in workspace ${workspace}. Ask an administrator to grant it.`,
      { reason: 'permission_missing' },
    )
  const tenant = snapshot.tenants.get(project === null ? workspace : `${workspace}/${project}`)
  // A project must not be had by the name of a workspace.
  if (!tenant || tenant.refusal || workspace.includes('/'))
    throw new Fault('denied', 'The workspace or project does not exist or is closed: choose another one.', {
      reason: 'place_closed',
    })
  const { currency, limited, billing, addresses } = tenant
  // With a slash it is the name of no ApiKey.
  const name = `user/${user}`
  return Object.freeze({
    id: name,
    workspace,
    project,
    currency,
    key: name,
    owner,
    keyName: name,
    models: undefined,
    expiresAt: Number.POSITIVE_INFINITY,
    refusal: undefined,
    limited,
    billing,
    addresses,
  })
}
