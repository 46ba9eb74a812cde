// The only place that decides who may do what. Pure: a caller, a permission, a place, and the answer.
import { covers, type Document, Fault, findKind, type Kind, permissions } from '@switchyard/kinds'
import type { Grant, Identity } from '@switchyard/runtime'

/** Whom a request acts for: the principal's grants, narrowed by what was presented. */
export interface Caller {
  /** `user:NAME`, `serviceaccount:WORKSPACE/NAME` or `system:operator`. */
  readonly principal: string
  readonly grants: readonly Grant[]
  /** Permission patterns that narrow the grants; `['*']` narrows nothing. */
  readonly scopes: readonly string[]
  /** An API key reaches one workspace only. */
  readonly workspace?: string
  readonly credential: Credential
}

export type Credential =
  | { readonly type: 'session'; readonly id: string; readonly expiresAt: string }
  | {
      readonly type: 'key'
      readonly id: string
      readonly name: string
      readonly publicId: string
      readonly hash: string
    }
  | { readonly type: 'operator'; readonly hash: string }

/** A workspace, null for the platform, undefined for wherever the caller holds it. */
export type Place = string | null | undefined

/** What stands in the way: no role gives it, or the key leaves it out of its owner's rights. */
export type Level = 'role' | 'scope' | 'workspace'

export type Decision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly code: 'denied'; readonly level: Level }
  | { readonly allowed: false; readonly code: 'not_found' }

const yes: Decision = { allowed: true }

/** The identity that the database sees: rows that it may not read are not there. */
export function identityOf(caller: Caller): Identity & { readonly role: 'caller' } {
  const { principal, scopes, workspace } = caller
  return { role: 'caller', principal, scopes, ...(workspace === undefined ? {} : { workspace }) }
}

/** Grants that count for this caller: those of another workspace than an API key's own never do. */
function reachable({ grants, workspace }: Caller): readonly Grant[] {
  return workspace === undefined
    ? grants
    : grants.filter(grant => grant.workspace === null || grant.workspace === workspace)
}

/** Whether the caller holds the permission at the place. A grant of a workspace never reaches the platform. */
export function holds(caller: Caller, permission: string, place: Place): boolean {
  if (!caller.scopes.some(scope => covers(scope, permission))) return false
  // A key of one workspace has no rights over the platform or over another workspace.
  if (caller.workspace !== undefined && place !== undefined && place !== caller.workspace) return false
  return reachable(caller).some(
    grant =>
      (place === undefined || grant.workspace === null || grant.workspace === place) &&
      covers(grant.permission, permission),
  )
}

/** Whether the caller holds anything there: then a refusal says `denied`, else the place is `not_found`. */
export function reaches(caller: Caller, place: Place): boolean {
  return permissions.some(permission => holds(caller, permission, place))
}

export function decide(caller: Caller, permission: string, place: Place): Decision {
  if (holds(caller, permission, place)) return yes
  // Whether a workspace exists is known only to those who hold something in it.
  if (typeof place === 'string' && !reaches(caller, place)) return { allowed: false, code: 'not_found' }
  return { allowed: false, code: 'denied', level: levelOf(caller, permission, place) }
}

function levelOf({ workspace: _only, ...caller }: Caller, permission: string, place: Place): Level {
  if (!holds({ ...caller, scopes: ['*'] }, permission, place)) return 'role'
  return holds(caller, permission, place) ? 'workspace' : 'scope'
}

/** Throws the refusal; the message names the permission that is missing, where, and who leaves it out. */
export function authorize(caller: Caller, permission: string, place: Place): void {
  const decision = decide(caller, permission, place)
  if (decision.allowed) return
  throw decision.code === 'not_found'
    ? absentWorkspace(place ?? '')
    : refused(decision.level, caller, permission, place)
}

/** The refusal of one who may know of the place. */
export function missing(caller: Caller, permission: string, place: Place): Fault {
  return refused(levelOf(caller, permission, place), caller, permission, place)
}

const reasons = {
  role: 'permission_missing',
  scope: 'scope_missing',
  workspace: 'key_workspace',
} as const satisfies Record<Level, string>

function refused(level: Level, caller: Caller, permission: string, place: Place): Fault {
  const where = place === undefined ? '' : place === null ? ' on the platform' : ` in workspace ${place}`
  const sentences: Readonly<Record<Level, string>> = {
    role: `You need ${permission}${where}. Ask an administrator to grant it.`,
    scope: `The scopes of this key leave out ${permission}, which its owner holds${where}. Use a key with that scope.`,
    workspace: `This key works in workspace ${caller.workspace} alone, though its owner holds ${permission}${where}.`,
  }
  return new Fault('denied', sentences[level], {
    reason: reasons[level],
    details: [{ path: '', rule: 'permission', message: permission }],
  })
}

export function absentWorkspace(name: string): Fault {
  return new Fault('not_found', `There is no workspace ${name} that you may read.`, {
    reason: 'workspace_not_found',
  })
}

export function absent(kind: string, name: string): Fault {
  return new Fault('not_found', `There is no ${kind} ${name} here that you may read.`)
}

/** Workspaces that a platform document is lent to: its `spec.share`; platform Roles are lent to all. */
function sharedTo(document: Document): 'none' | 'all' | readonly string[] {
  if (document.metadata.workspace !== null) return 'none'
  if (document.kind === 'Role') return 'all'
  const share = (document.spec as { readonly share?: unknown } | null)?.share // any kind's spec; narrowed below
  if (share === 'all') return 'all'
  return Array.isArray(share) ? share.filter(name => typeof name === 'string') : 'none'
}

/** Where the right to change a document is held: a grant of a workspace never reaches a platform document. */
export function rightsPlace({ kind, metadata }: Pick<Document, 'kind' | 'metadata'>): string | null {
  return writtenFrom(findKind(kind), metadata.workspace)
}

/** Likewise for one that is to be made in that workspace. */
export function writtenFrom<P extends Place>(kind: Kind | undefined, workspace: P): P | null {
  return kind?.heldAbove ? null : workspace
}

/** Where the right to read a document is held: a Workspace document may be read from the workspace it names. */
export function readPlace(document: Pick<Document, 'kind' | 'metadata'>): string | null {
  return document.kind === 'Workspace' ? document.metadata.name : document.metadata.workspace
}

/**
 * Whether the caller holds `<noun>:<verb>` over this document. Reading and using reach a platform document
 * that is shared to a workspace where the permission is held; changing never does. One's own User document
 * may always be read, and someone else's API key needs `api_key:any` besides.
 */
export function permits(caller: Caller, kind: Kind, verb: string, document: Document): boolean {
  const permission = `${kind.noun}:${verb}`
  const reading = verb === 'read' || verb === 'use'
  const place = reading ? readPlace(document) : rightsPlace(document)
  if (kind.kind === 'User' && verb === 'read' && caller.principal === `user:${document.metadata.name}`)
    return true
  if (kind.kind === 'ApiKey' && !isOwnKey(caller, document) && !holds(caller, 'api_key:any', place))
    return false
  if (holds(caller, permission, place)) return true
  if (!reading) return false
  const share = sharedTo(document)
  if (share === 'none') return false
  if (share === 'all') return holds(caller, permission, undefined)
  return share.some(workspace => holds(caller, permission, workspace))
}

/** Whether a document of the platform may be used by documents of that workspace. */
export function lentTo(document: Document, workspace: string | null): boolean {
  if (document.metadata.workspace === workspace) return true
  if (workspace === null) return false
  const share = sharedTo(document)
  return share === 'all' || (Array.isArray(share) && share.includes(workspace))
}

function isOwnKey(caller: Caller, document: Document): boolean {
  const owner = (document.spec as { owner?: { kind: string; name: string } }).owner // ApiKey.spec
  return owner !== undefined && principalOf(owner, document.metadata.workspace) === caller.principal
}

/** The principal that `{kind, name}` of a document in that workspace speaks of. */
export function principalOf(
  owner: { readonly kind: string; readonly name: string },
  workspace: string | null,
): string {
  return owner.kind === 'User' ? `user:${owner.name}` : `serviceaccount:${workspace ?? ''}/${owner.name}`
}

/** Permissions that the patterns grant and that the caller does not hold at the place: nobody grants them. */
export function beyond(caller: Caller, patterns: readonly string[], place: Place): readonly string[] {
  return expand(patterns).filter(permission => !holds(caller, permission, place))
}

/** Permissions of `patterns` that `scopes` do not cover. */
export function outside(scopes: readonly string[], patterns: readonly string[]): readonly string[] {
  return expand(patterns).filter(permission => !scopes.some(scope => covers(scope, permission)))
}

/** Every permission that the patterns cover, in the order of the permission table. */
export function expand(patterns: readonly string[]): readonly string[] {
  return permissions.filter(permission => patterns.some(pattern => covers(pattern, permission)))
}
