// What a kind's schema cannot say: rules over other documents and over the caller's rights, as rows by kind.
import { checkArguments, findVersion, isDeniedEnvironment } from '@switchyard/catalog'
import {
  type apiKey,
  covers,
  type Detail,
  type Document,
  type DocumentOf,
  type endpoint,
  type engine,
  Fault,
  type identityProvider,
  type model,
  permissions,
  type role,
  type roleAssignment,
  type user,
} from '@switchyard/kinds'
import type { Grant } from '@switchyard/runtime'
import { beyond, type Caller, holds, missing, outside, principalOf } from './authorize.ts'
import { passwordProblems } from './password.ts'
import {
  credentialGoesWhereItsUsersSay,
  credentialHoldsASecret,
  privateRangesNeedTheRight,
  providerIsSomewhere,
  routeLeadsElsewhere,
  routeNamesAreFree,
} from './routing-rules.ts'
import { as, changed, type Rule, refuse, type Writing } from './rule.ts'

const engineTakesIt: Rule = ({ document, stored, targets }) => {
  const { spec } = as<DocumentOf<typeof endpoint>>(document)!
  const before = as<DocumentOf<typeof endpoint>>(stored)?.spec
  const serves = as<DocumentOf<typeof engine>>(targets.get('spec.engine.name'))
  const served = as<DocumentOf<typeof model>>(targets.get('spec.model.name'))
  if (
    !serves ||
    (before &&
      !changed([before.engine, before.arguments, before.model], [spec.engine, spec.arguments, spec.model]))
  )
    return
  const version = findVersion(serves.spec, spec.engine.version)
  if (!version) {
    const known = serves.spec.versions.map(each => each.version).join(', ')
    const lacks = spec.engine.version === undefined ? 'supported version' : `version ${spec.engine.version}`
    const message = `${serves.metadata.name} has no ${lacks}; name one of ${known}`
    return refuse([{ path: 'spec.engine.version', rule: 'unknown_version', message }])
  }
  refuse(checkArguments(serves.spec, version.version, spec.arguments))
  if (!served) return
  const { task } = served.spec
  const { format } = served.status
  if (!serves.spec.tasks.includes(task))
    refuse([
      {
        path: 'spec.engine.name',
        rule: 'task',
        message: `${serves.metadata.name} does not serve ${task}; it serves ${serves.spec.tasks.join(', ')}`,
      },
    ])
  if (format !== undefined && !serves.spec.formats.includes(format))
    refuse([
      {
        path: 'spec.engine.name',
        rule: 'format',
        message: `${serves.metadata.name} does not load ${format}; it loads ${serves.spec.formats.join(', ')}`,
      },
    ])
}

/** Names that would change which program, library or device is used, or speak for Switchyard. */
const environmentIsSafe: Rule = ({ document }) => {
  const names = Object.keys(as<DocumentOf<typeof endpoint>>(document)!.spec.env)
  const message =
    'cannot be set; LD_*, DYLD_*, PATH, NODE_*, SWITCHYARD_* and device visibility belong to Switchyard'
  refuse(
    names
      .filter(isDeniedEnvironment)
      .map(name => ({ path: `spec.env.${name}`, rule: 'refused_name', message })),
  )
}

const rawArgumentsNeedTheRight: Rule = ({ document, stored, caller }) => {
  const { spec, metadata } = as<DocumentOf<typeof endpoint>>(document)!
  const before = as<DocumentOf<typeof endpoint>>(stored)?.spec.extraArgs ?? []
  if (spec.extraArgs.length === 0 || !changed(before, spec.extraArgs)) return
  if (!holds(caller, 'engine:raw', metadata.workspace))
    throw missing(caller, 'engine:raw', metadata.workspace)
}

const emailIsUnique: Rule = async ({ tx, document }) => {
  const { spec, metadata } = as<DocumentOf<typeof user>>(document)!
  const { items } = await tx.list({
    kind: 'User',
    workspace: null,
    fields: [{ key: 'spec.email', operator: 'in', values: [spec.email] }],
    limit: 2,
  })
  const other = items.find(item => item.metadata.id !== metadata.id)
  if (other)
    throw new Fault('conflict', `User ${other.metadata.name} already has the e-mail ${spec.email}.`, {
      reason: 'taken',
      details: [{ path: 'spec.email', rule: 'unique', message: 'is already in use' }],
    })
}

const passwordIsStrong: Rule = ({ document, secrets }) => {
  const password = secrets.get('password')
  const { email } = as<DocumentOf<typeof user>>(document)!.spec
  if (typeof password === 'string')
    refuse(passwordProblems(password, email, 'spec.password'), 'weak_password')
}

/** Whoever sets another's password, or where their mail goes, can sign in as them, so must hold what they hold. */
const accountOfAnEqual: Rule = ({ caller, document, stored, secrets, held }) => {
  if (!stored || caller.principal === `user:${document.metadata.name}`) return
  const emailOf = (of: Document) => as<DocumentOf<typeof user>>(of)!.spec.email
  if (!secrets.has('password') && emailOf(stored) === emailOf(document)) return
  checkEqual(caller, held)
}

/** Whoever can sign in as someone must hold what they hold. */
export function checkEqual(caller: Caller, held: readonly Grant[]): void {
  for (const { workspace, permission } of held) {
    const lacking = beyond(caller, [permission], workspace)
    if (lacking.length > 0) throw notHeld(lacking, workspace)
  }
}

function unknownPatterns(patterns: readonly string[], path: string): readonly Detail[] {
  return patterns.flatMap((pattern, place) =>
    permissions.some(permission => covers(pattern, permission))
      ? []
      : [
          {
            path: `${path}.${place}`,
            rule: 'unknown_permission',
            message: `there is no permission ${pattern}`,
          },
        ],
  )
}

/** The refusal of a grant of what the caller does not hold. */
function notHeld(lacking: readonly string[], place: string | null): Fault {
  const [first = '', ...others] = lacking
  const rest = others.length > 0 ? ` and ${others.length} more` : ''
  const where = place === null ? 'on the platform' : `in workspace ${place}`
  return new Fault('denied', `You cannot grant ${first}${rest} ${where}, because you do not hold it there.`, {
    reason: 'grant_not_held',
    details: lacking.slice(0, 20).map(permission => ({ path: '', rule: 'permission', message: permission })),
  })
}

const quotaIsTheOnlyOne: Rule = async ({ tx, document, stored }) => {
  if (stored) return
  const { items } = await tx.list({ kind: 'Quota', workspace: document.metadata.workspace, limit: 1 })
  const [other] = items
  if (!other) return
  const message = `Workspace ${document.metadata.workspace} has Quota ${other.metadata.name} already: change that one.`
  throw new Fault('conflict', message, { reason: 'taken' })
}

const roleGrantsWhatIsHeld: Rule = ({ caller, document, stored }) => {
  const { spec, metadata } = as<DocumentOf<typeof role>>(document)!
  if (stored && !changed(as<DocumentOf<typeof role>>(stored)!.spec, spec)) return
  refuse(unknownPatterns(spec.permissions, 'spec.permissions'))
  const lacking = beyond(caller, spec.permissions, metadata.workspace)
  if (lacking.length > 0) throw notHeld(lacking, metadata.workspace)
}

const assignmentGrantsWhatIsHeld: Rule = ({ caller, document, stored, targets }) => {
  const { spec, metadata } = as<DocumentOf<typeof roleAssignment>>(document)!
  if (spec.subject.kind === 'ServiceAccount' && metadata.workspace === null)
    refuse([
      {
        path: 'spec.subject.kind',
        rule: 'subject',
        message: 'a ServiceAccount is granted roles in its own workspace only',
      },
    ])
  if (stored && !changed(as<DocumentOf<typeof roleAssignment>>(stored)!.spec, spec)) return
  const granted = as<DocumentOf<typeof role>>(targets.get('spec.role'))
  const lacking = beyond(caller, granted?.spec.permissions ?? [], metadata.workspace)
  if (lacking.length > 0) throw notHeld(lacking, metadata.workspace)
}

/** Whoever maps a group, or changes who tells of its members, gives them what they must hold themselves. */
const groupRolesGrantWhatIsHeld: Rule = ({ caller, document, stored, targets }) => {
  const { spec } = as<DocumentOf<typeof identityProvider>>(document)!
  if (stored && !changed(stored.spec, spec)) return
  for (const [place, { workspace: at = null }] of spec.groupRoles.entries()) {
    const granted = as<DocumentOf<typeof role>>(targets.get(`spec.groupRoles.${place}.role`))
    const lacking = beyond(caller, granted?.spec.permissions ?? [], at)
    if (lacking.length > 0) throw notHeld(lacking, at)
  }
}

const expiryIsAhead: Rule = ({ document, stored, now }) => {
  const at = (of: Document | undefined) =>
    (of?.spec as { readonly expiresAt?: string } | undefined)?.expiresAt // both kinds of this rule
  const expiresAt = at(document)
  if (expiresAt === undefined || expiresAt === at(stored) || Date.parse(expiresAt) > now) return
  refuse([{ path: 'spec.expiresAt', rule: 'future', message: 'must be in the future' }])
}

/** One's own key may keep what one presents oneself; another's needs `api_key:any` and all that its scopes name. */
const keyGrantsWhatIsHeld: Rule = ({ caller, document, stored }) => {
  const key = as<DocumentOf<typeof apiKey>>(document)!
  if (stored && !changed(as<DocumentOf<typeof apiKey>>(stored)!.spec.scopes, key.spec.scopes)) return
  refuse(unknownPatterns(key.spec.scopes, 'spec.scopes'))
  checkKeyGrant(caller, key)
}

/** Whoever is shown the secret of a key must hold what the key may do. */
export function checkKeyGrant(caller: Caller, { spec, metadata }: DocumentOf<typeof apiKey>): void {
  const own = principalOf(spec.owner, metadata.workspace) === caller.principal
  if (!own && !holds(caller, 'api_key:any', metadata.workspace))
    throw missing(caller, 'api_key:any', metadata.workspace)
  const lacking = own ? outside(caller.scopes, spec.scopes) : beyond(caller, spec.scopes, metadata.workspace)
  if (lacking.length > 0) throw notHeld(lacking, metadata.workspace)
}

/** Rules by kind, in the order in which they are asked. */
export const rules: Readonly<Record<string, readonly Rule[]>> = {
  User: [passwordIsStrong, accountOfAnEqual, emailIsUnique],
  Role: [roleGrantsWhatIsHeld],
  RoleAssignment: [expiryIsAhead, assignmentGrantsWhatIsHeld],
  ApiKey: [expiryIsAhead, keyGrantsWhatIsHeld],
  IdentityProvider: [privateRangesNeedTheRight, groupRolesGrantWhatIsHeld],
  Credential: [credentialHoldsASecret],
  Provider: [providerIsSomewhere, privateRangesNeedTheRight, credentialGoesWhereItsUsersSay],
  Guardrail: [credentialGoesWhereItsUsersSay],
  McpServer: [privateRangesNeedTheRight, credentialGoesWhereItsUsersSay],
  Route: [routeLeadsElsewhere, routeNamesAreFree],
  Quota: [quotaIsTheOnlyOne],
  Endpoint: [environmentIsSafe, rawArgumentsNeedTheRight, engineTakesIt],
}

export async function checkRules(writing: Writing): Promise<void> {
  for (const rule of rules[writing.document.kind] ?? []) await rule(writing)
}
