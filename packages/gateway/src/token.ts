// A verified token of an outside issuer, snapshot -> Principal.
import { Fault } from '@switchyard/kinds'
import type { Verified } from './door/issuers.ts'
import type { Principal, Snapshot } from './snapshot.ts'

const refused = (message: string) => new Fault('unauthenticated', message, { reason: 'invalid_token' })

/** `unauthenticated` where nobody calls in its place any more, `denied` where its roles may call nothing. */
export function principalOf(token: Verified, { issuers, tenants }: Snapshot): Principal {
  const issuer = issuers.get(token.name)
  if (!issuer) throw refused('The issuer of the token is not trusted any more: use an API key.')
  const { workspace, project, subject } = token
  const tenant = tenants.get(project === null ? workspace : `${workspace}/${project}`)
  // A project must not be had by the name of a workspace that an issuer makes up.
  if (!tenant || tenant.refusal || workspace.includes('/'))
    throw refused('The workspace or project of the token does not exist or is closed: ask its administrator.')
  const { currency, limited, billing, addresses } = tenant
  return Object.freeze({
    id: `issuer/${token.name}/${subject}`,
    workspace,
    project,
    currency,
    key: `issuer/${token.name}`,
    owner: `issuer:${token.name}/${subject}`,
    // With a slash it is the name of no ApiKey, whatever an issuer says of its subjects.
    keyName: `${token.name}/${subject}`,
    models: modelsOf(token, issuer.roles),
    expiresAt: token.expiresAt,
    refusal: undefined,
    limited,
    billing,
    addresses,
  })
}

/** Of all its roles together; undefined is any. */
function modelsOf(
  { roles }: Verified,
  known: ReadonlyMap<string, readonly RegExp[] | undefined> | undefined,
): readonly RegExp[] | undefined {
  if (!known) return undefined
  const held = roles.filter(role => known.has(role))
  if (held.length === 0)
    throw new Fault('denied', 'None of the roles of the token may call models: ask for one that may.', {
      reason: 'scope',
    })
  const models: RegExp[] = []
  for (const role of held) {
    const some = known.get(role)
    if (!some) return undefined
    models.push(...some)
  }
  return models
}
