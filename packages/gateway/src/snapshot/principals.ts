// Who calls: a key, whether it is accepted, what it may call and the limits above it.
import { covers, isTimezone, type LimitsSpec } from '@switchyard/kinds'
import { type AddressRules, compileAddressRules } from '../door/addresses.ts'
import { Limited, type LimitScope } from '../limited.ts'
import type { Principal, Refusal, Tenant } from '../snapshot.ts'
import { billingOf } from '../wallet/billing.ts'
import { type ApiKey, type Found, within } from './found.ts'
import { glob } from './glob.ts'

const call = 'inference:call'

/** Those who hold the permission to call models, each in one workspace or, with null, in all. */
export type Callers = ReadonlySet<string>

const caller = (principal: string, workspace: string | null) => `${principal} ${workspace ?? '*'}`

export function callersOf(
  grants: readonly {
    readonly permission: string
    readonly principal: string
    readonly workspace: string | null
  }[],
): Callers {
  return new Set(
    grants
      .filter(({ permission }) => covers(permission, call))
      .map(({ principal, workspace }) => caller(principal, workspace)),
  )
}

export const mayCallIn = (callers: Callers, principal: string, workspace: string | null): boolean =>
  callers.has(caller(principal, null)) || callers.has(caller(principal, workspace))

/** Names of those who may be signed in. */
export function peopleOf({ users }: Found): ReadonlySet<string> {
  const here = [...users.values()].filter(
    ({ spec, metadata }) => !spec.disabled && !metadata.deletionTimestamp,
  )
  return new Set(here.map(({ metadata }) => metadata.name))
}

export function compilePrincipal(
  key: ApiKey,
  found: Found,
  callers: Callers,
  limits?: LimitsSpec,
): Principal {
  const { metadata, spec, status } = key
  const { workspace, project, id } = metadata
  const scopes = scopesOf(workspace, project, found, limits)
  const timezone = timezoneOf(workspace, found)
  const own: readonly LimitScope[] = spec.limits
    ? [{ level: 'key', subject: id, limits: spec.limits, timezone }]
    : []
  return Object.freeze({
    id,
    workspace: workspace ?? '',
    project,
    currency: currencyOf(workspace, found),
    key: status.publicId ?? '',
    owner: ownerOf(key),
    keyName: metadata.name,
    models: spec.models?.map(glob),
    expiresAt: spec.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(spec.expiresAt),
    refusal: refusalOf(key, found, callers),
    limited: new Limited([...scopes, ...own]),
    billing: billingOf(
      workspace ?? '',
      project,
      workspaceSpec(workspace, found)?.billing,
      currencyOf(workspace, found),
    ),
    addresses: rulesOf(found.workspaces.get(within(null, workspace ?? ''))?.spec.addresses, spec.addresses),
  })
}

/** What holds for whoever calls in a workspace, or in a project as `workspace/project`, without a key of it. */
export function compileTenants(found: Found, limits?: LimitsSpec): ReadonlyMap<string, Tenant> {
  const tenants = new Map<string, Tenant>()
  const add = (workspace: string, project: string | null) =>
    tenants.set(
      project === null ? workspace : `${workspace}/${project}`,
      Object.freeze({
        refusal: closedOf(workspace, project, found),
        currency: currencyOf(workspace, found),
        limited: new Limited(scopesOf(workspace, project, found, limits)),
        billing: billingOf(
          workspace,
          project,
          workspaceSpec(workspace, found)?.billing,
          currencyOf(workspace, found),
        ),
        addresses: rulesOf(found.workspaces.get(within(null, workspace))?.spec.addresses),
      }),
    )
  for (const { metadata } of found.workspaces.values()) add(metadata.name, null)
  for (const { metadata } of found.projects.values()) add(metadata.workspace ?? '', metadata.name)
  return tenants
}

const workspaceSpec = (workspace: string | null, { workspaces }: Found) =>
  workspaces.get(within(null, workspace ?? ''))?.spec

/** A key outlives its workspace by moments, in which it is refused. */
export const currencyOf = (workspace: string | null, { workspaces }: Found): string =>
  workspaces.get(within(null, workspace ?? ''))?.spec.currency ?? ''

/** One that was stored before names were checked is UTC. */
function timezoneOf(workspace: string | null, { workspaces }: Found): string {
  const timezone = workspaces.get(within(null, workspace ?? ''))?.spec.timezone ?? 'UTC'
  return isTimezone(timezone) ? timezone : 'UTC'
}

/** Those that rule something. */
function rulesOf(
  ...all: readonly (Parameters<typeof compileAddressRules>[0] | undefined)[]
): readonly AddressRules[] {
  return Object.freeze(all.flatMap(spec => (spec && compileAddressRules(spec)) ?? []))
}

/** Outermost first. */
function scopesOf(
  workspace: string | null,
  project: string | null,
  found: Found,
  platform: LimitsSpec | undefined,
): readonly LimitScope[] {
  const { workspaces, projects } = found
  const home = timezoneOf(workspace, found)
  const slice = project === null ? undefined : projects.get(within(workspace, project))
  const all = [
    ['platform', 'all', platform, 'UTC'],
    ['workspace', workspace ?? '', workspaces.get(within(null, workspace ?? ''))?.spec.limits, home],
    ['project', `${workspace}/${project}`, slice?.spec.limits, home],
  ] as const
  return all.flatMap(([level, subject, limits, timezone]) =>
    limits ? [{ level, subject, limits, timezone }] : [],
  )
}

/** Why nobody calls there. */
function closedOf(
  workspace: string,
  project: string | null,
  { workspaces, projects }: Found,
): 'workspace_suspended' | 'project_archived' | undefined {
  const home = workspaces.get(within(null, workspace))
  if (!home || home.spec.suspended || home.metadata.deletionTimestamp) return 'workspace_suspended'
  if (project === null) return undefined
  const slice = projects.get(within(workspace, project))
  const open = slice && !slice.spec.archived && !slice.metadata.deletionTimestamp
  return open ? undefined : 'project_archived'
}

function ownerOf({ metadata, spec }: Pick<ApiKey, 'metadata' | 'spec'>): string {
  const { kind, name } = spec.owner
  return kind === 'User' ? `user:${name}` : `serviceaccount:${metadata.workspace}/${name}`
}

/** The first reason why a key is not accepted, whatever the time. */
function refusalOf({ metadata, spec }: ApiKey, found: Found, callers: Callers): Refusal | undefined {
  const { users, accounts } = found
  const closed = closedOf(metadata.workspace ?? '', metadata.project, found)
  if (closed === 'workspace_suspended') return closed
  if (spec.disabled || metadata.deletionTimestamp) return 'disabled'
  if (closed) return closed
  const { kind, name } = spec.owner
  const owner =
    kind === 'User' ? users.get(within(null, name)) : accounts.get(within(metadata.workspace, name))
  if (!owner || owner.spec.disabled || owner.metadata.deletionTimestamp) return 'owner_disabled'
  const principal = ownerOf({ metadata, spec })
  if (!mayCallIn(callers, principal, metadata.workspace) || !spec.scopes.some(scope => covers(scope, call)))
    return 'not_permitted'
  return undefined
}
