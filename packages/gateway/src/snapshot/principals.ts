// Who calls: a key, whether it is accepted, what it may call and the limits above it.
import { covers, type LimitsSpec } from '@switchyard/kinds'
import { Limited, type LimitScope } from '../admission.ts'
import type { Principal, Refusal } from '../snapshot.ts'
import { type ApiKey, type Found, within } from './found.ts'

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

export function compilePrincipal(
  key: ApiKey,
  found: Found,
  callers: Callers,
  limits?: LimitsSpec,
): Principal {
  const { metadata, spec, status } = key
  return Object.freeze({
    id: metadata.id,
    workspace: metadata.workspace ?? '',
    project: metadata.project,
    key: status.publicId ?? '',
    keyName: metadata.name,
    models: spec.models?.map(glob),
    expiresAt: spec.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(spec.expiresAt),
    refusal: refusalOf(key, found, callers),
    limited: new Limited(scopesOf(key, found, limits)),
  })
}

/** Outermost first. */
function scopesOf(
  { metadata, spec }: ApiKey,
  { workspaces, projects }: Found,
  platform: LimitsSpec | undefined,
): readonly LimitScope[] {
  const { workspace, project, id } = metadata
  const slice = project === null ? undefined : projects.get(within(workspace, project))
  const all = [
    ['platform', 'all', platform],
    ['workspace', workspace ?? '', workspaces.get(within(null, workspace ?? ''))?.spec.limits],
    ['project', `${workspace}/${project}`, slice?.spec.limits],
    ['key', id, spec.limits],
  ] as const
  return all.flatMap(([level, subject, limits]) => (limits ? [{ level, subject, limits }] : []))
}

/** The first reason why a key is not accepted, whatever the time. */
function refusalOf(
  { metadata, spec }: ApiKey,
  { workspaces, projects, users, accounts }: Found,
  callers: Callers,
): Refusal | undefined {
  const home = workspaces.get(within(null, metadata.workspace ?? ''))
  if (!home || home.spec.suspended || home.metadata.deletionTimestamp) return 'workspace_suspended'
  if (spec.disabled || metadata.deletionTimestamp) return 'disabled'
  if (metadata.project !== null) {
    const slice = projects.get(within(metadata.workspace, metadata.project))
    if (!slice || slice.spec.archived || slice.metadata.deletionTimestamp) return 'project_archived'
  }
  const { kind, name } = spec.owner
  const owner =
    kind === 'User' ? users.get(within(null, name)) : accounts.get(within(metadata.workspace, name))
  if (!owner || owner.spec.disabled || owner.metadata.deletionTimestamp) return 'owner_disabled'
  const principal = kind === 'User' ? `user:${name}` : `serviceaccount:${metadata.workspace}/${name}`
  const granted = callers.has(caller(principal, null)) || callers.has(caller(principal, metadata.workspace))
  if (!granted || !spec.scopes.some(scope => covers(scope, call))) return 'not_permitted'
  return undefined
}

/** `*` stands for any characters; everything else for itself. */
function glob(pattern: string): RegExp {
  return new RegExp(
    `^${pattern
      .split('*')
      .map(text => RegExp.escape(text))
      .join('.*')}$`,
    's',
  )
}
