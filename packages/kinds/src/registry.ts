// The kinds, in the order in which documents of a file are applied. A new kind is one file and one line here.
import { apiKey } from './api-key.ts'
import { budget } from './budget.ts'
import { cluster } from './cluster.ts'
import { credential } from './credential.ts'
import { endpoint } from './endpoint.ts'
import { engine } from './engine.ts'
import { guardrail } from './guardrail.ts'
import { identityProvider } from './identity-provider.ts'
import { issuer } from './issuer.ts'
import type { Kind } from './kind.ts'
import { legalEntity } from './legal-entity.ts'
import { mcpServer } from './mcp-server.ts'
import { model } from './model.ts'
import { modelRegistry } from './model-registry.ts'
import { priceBook } from './price-book.ts'
import { project } from './project.ts'
import { provider } from './provider.ts'
import { quota } from './quota.ts'
import { replica } from './replica.ts'
import { revision } from './revision.ts'
import { role } from './role.ts'
import { roleAssignment } from './role-assignment.ts'
import { route } from './route.ts'
import { serviceAccount } from './service-account.ts'
import { user } from './user.ts'
import { workspace } from './workspace.ts'

export const kinds: readonly Kind[] = [
  legalEntity,
  workspace,
  project,
  user,
  serviceAccount,
  role,
  roleAssignment,
  apiKey,
  credential,
  issuer,
  identityProvider,
  cluster,
  engine,
  modelRegistry,
  model,
  quota,
  endpoint,
  revision,
  replica,
  provider,
  guardrail,
  mcpServer,
  route,
  priceBook,
  budget,
] as unknown as readonly Kind[] // a Kind of one schema is not a Kind of every schema; readers narrow by `parse`

const byName = new Map<string, Kind>()
for (const kind of kinds)
  for (const name of [kind.kind, kind.kind.toLowerCase(), kind.plural, kind.noun, ...kind.short])
    byName.set(name, kind)

/** A kind by its name, plural, noun or short name; undefined when there is none. */
export function findKind(name: string): Kind | undefined {
  return byName.get(name) ?? byName.get(name.toLowerCase())
}
