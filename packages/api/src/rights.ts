// What somebody may do, where, and by what they may: the same judge that answers their requests, asked beforehand.
import { covers, type Document, Fault, findKind, permissions } from '@switchyard/kinds'
import type { Identity, SourcedGrant, Store } from '@switchyard/runtime'
import { z } from 'zod'
import { absent, authorize, type Caller, decide, holds, permits, writtenFrom } from './authorize.ts'

/** What gives rights is looked up for those who may read it, or for the person themselves. */
const server: Identity = { role: 'control' }

export const rightsQuerySchema = z.strictObject({
  permission: z.enum(permissions).optional().describe('Asks whether it is held, and why not.'),
  workspace: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe('Where it is asked for; the platform when absent.'),
})

const heldSchema = z.array(
  z.object({
    permission: z.string(),
    sources: z.array(z.int()).describe('What gives it, as places in `sources`.'),
  }),
)

export const rightsSchema = z.object({
  kind: z.literal('Rights'),
  principal: z.string(),
  enabled: z.boolean().describe('A disabled account holds all this and may use none of it.'),
  scopes: z.array(z.string()).describe('What the key that asks narrows its owner to; `*` of all others.'),
  sources: z.array(
    z.object({
      permissions: z.array(z.string()).describe('As the role has them: `endpoint:*`.'),
      workspace: z.string().nullable().describe('Where they are held; everywhere when null.'),
      role: z.string().optional(),
      group: z.string().optional().describe('By being in it: `PROVIDER/GROUP`.'),
      assignment: z.object({ workspace: z.string().nullable(), name: z.string() }).optional(),
      provider: z.string().optional().describe('IdentityProvider that maps the group to the role.'),
      expiresAt: z.string().optional(),
    }),
  ),
  places: z
    .array(z.object({ workspace: z.string().nullable(), held: heldSchema }))
    .describe('The platform, and every workspace in which something is given.'),
  elsewhere: heldSchema.describe('In any other workspace.'),
  permissions: z.array(z.string()).describe('All that there are, in the order of the table.'),
  decision: z
    .object({
      permission: z.string(),
      workspace: z.string().nullable(),
      allowed: z.boolean(),
      reason: z.enum(['role', 'scope', 'workspace', 'account_disabled']).optional(),
      sources: z.array(z.int()),
    })
    .optional(),
})

type Rights = z.output<typeof rightsSchema>
type Source = Rights['sources'][number]

/** What binds a workspace is written by who holds the right on the platform. */
function judgedAt(permission: string, place: string | null): string | null {
  const [noun = '', verb = ''] = permission.split(':')
  return verb === 'read' || verb === 'use' ? place : writtenFrom(findKind(noun), place)
}

/** No workspace has this name: what is held there is held in all. */
const anyOther = ''

export interface Asked {
  readonly caller: Pick<Caller, 'principal' | 'scopes' | 'workspace'>
  readonly enabled: boolean
  readonly question: z.output<typeof rightsQuerySchema>
}

export async function rightsOf(store: Store, { caller, enabled, question }: Asked): Promise<Rights> {
  const grants = await store.grantSources(caller.principal)
  const sources = await sourcesOf(store, grants)
  const judged: Caller = { ...caller, grants, credential: { type: 'operator', hash: '' } }
  const by = (permission: string, place: string | null): number[] =>
    sources.flatMap((source, index) =>
      (source.workspace === null || source.workspace === place) &&
      source.permissions.some(pattern => covers(pattern, permission))
        ? [index]
        : [],
    )
  const heldAt = (place: string | null) =>
    permissions.flatMap(permission => {
      const at = judgedAt(permission, place)
      return holds(judged, permission, at) ? [{ permission, sources: by(permission, at) }] : []
    })
  const granted = new Set(grants.flatMap(({ workspace }) => workspace ?? []))
  const { permission, workspace = null } = question
  return {
    kind: 'Rights',
    principal: caller.principal,
    enabled,
    scopes: [...caller.scopes],
    sources,
    places: [null, ...[...granted].sort()].map(place => ({ workspace: place, held: heldAt(place) })),
    elsewhere: heldAt(anyOther),
    permissions: [...permissions],
    ...(permission !== undefined && { decision: decisionOf(permission, workspace) }),
  }

  function decisionOf(asked: string, place: string | null): NonNullable<Rights['decision']> {
    const at = judgedAt(asked, place)
    const decision = decide(judged, asked, at)
    const allowed = decision.allowed && enabled
    const reason = decision.allowed
      ? ('account_disabled' as const)
      : decision.code === 'denied'
        ? decision.level
        : ('role' as const)
    return {
      permission: asked,
      workspace: place,
      allowed,
      ...(!allowed && { reason }),
      sources: decision.allowed ? by(asked, at) : [],
    }
  }
}

/** Grants of one assignment, or of one line of a provider, are one source. */
async function sourcesOf(store: Store, grants: readonly SourcedGrant[]): Promise<Source[]> {
  if (grants.length === 0) return []
  const documents = new Map<string, Document>()
  await store.read(server, async tx => {
    for (const kind of ['RoleAssignment', 'IdentityProvider'])
      for (const document of (await tx.list({ kind })).items) documents.set(document.metadata.id, document)
  })
  const grouped = Map.groupBy(grants, ({ assignment }) => assignment)
  return [...grouped.values()].map(group => {
    const [{ assignment, provider, through, workspace, expiresAt }] = group as [SourcedGrant] // never empty
    const patterns = group.map(({ permission }) => permission)
    const given = documents.get(assignment)
    const vouching = provider === undefined ? undefined : documents.get(provider)
    const role = given
      ? (given.spec as { readonly role: string }).role // RoleAssignment.spec
      : vouching && mappedRole(vouching, through, workspace)
    return {
      permissions: patterns,
      workspace,
      ...(role !== undefined && { role }),
      ...(through.startsWith('group:') && { group: through.slice('group:'.length) }),
      ...(given && { assignment: { workspace: given.metadata.workspace, name: given.metadata.name } }),
      ...(vouching && { provider: vouching.metadata.name }),
      ...(expiresAt !== undefined && { expiresAt }),
    }
  })
}

interface Mapping {
  readonly group: string
  readonly role: string
  readonly workspace?: string
}

/** Undefined where the provider maps the group to several roles there: which gives what, the grant does not say. */
function mappedRole(
  { metadata, spec }: Document,
  through: string,
  workspace: string | null,
): string | undefined {
  const { groupRoles } = spec as { readonly groupRoles: readonly Mapping[] } // IdentityProvider.spec
  const roles = groupRoles.filter(
    mapping =>
      through === `group:${metadata.name}/${mapping.group}` && (mapping.workspace ?? null) === workspace,
  )
  return roles.length === 1 ? roles[0]?.role : undefined
}

/** The account, for who may read it and what it is given; `not_found` and `denied` else. */
export async function readAccount(
  store: Store,
  caller: Caller,
  key: { readonly kind: 'User' | 'ServiceAccount'; readonly workspace: string | null; readonly name: string },
): Promise<{ readonly enabled: boolean }> {
  authorize(caller, 'role_assignment:read', key.workspace)
  const document = await store.read(server, tx => tx.get(key))
  if (!document || !permits(caller, findKind(key.kind)!, 'read', document)) throw absent(key.kind, key.name)
  return { enabled: isEnabled(document) }
}

const isEnabled = ({ spec, metadata }: Document): boolean =>
  !(spec as { readonly disabled?: boolean }).disabled && metadata.deletionTimestamp === undefined // both kinds have it

export function signedInOnly(caller: Caller): void {
  if (caller.credential.type === 'operator')
    throw new Fault('denied', "The operator's token holds everything, by no role.", { reason: 'operator' })
}
