// The documents of a snapshot, by kind and by the names under which others refer to them.
import type {
  apiKey,
  credential,
  Document,
  DocumentOf,
  endpoint,
  engine,
  guardrail,
  issuer,
  mcpServer,
  project,
  provider,
  replica,
  route,
  serviceAccount,
  user,
  workspace,
} from '@switchyard/kinds'

export type ApiKey = DocumentOf<typeof apiKey>
export type CredentialDocument = DocumentOf<typeof credential>
export type Endpoint = DocumentOf<typeof endpoint>
type Engine = DocumentOf<typeof engine>
export type GuardrailDocument = DocumentOf<typeof guardrail>
type Issuer = DocumentOf<typeof issuer>
export type Replica = DocumentOf<typeof replica>
export type McpServerDocument = DocumentOf<typeof mcpServer>
export type ProviderDocument = DocumentOf<typeof provider>
export type RouteDocument = DocumentOf<typeof route>
type Workspace = DocumentOf<typeof workspace>
type Project = DocumentOf<typeof project>
type User = DocumentOf<typeof user>
type ServiceAccount = DocumentOf<typeof serviceAccount>

/** Those that are being deleted are left out where they would only be used. */
export interface Found {
  readonly workspaces: ReadonlyMap<string, Workspace>
  readonly projects: ReadonlyMap<string, Project>
  readonly users: ReadonlyMap<string, User>
  readonly accounts: ReadonlyMap<string, ServiceAccount>
  readonly providers: ReadonlyMap<string, ProviderDocument>
  readonly credentials: ReadonlyMap<string, CredentialDocument>
  readonly guardrails: ReadonlyMap<string, GuardrailDocument>
  readonly issuers: readonly Issuer[]
  readonly mcpServers: readonly McpServerDocument[]
  /** By the name of the endpoint, in the order of their own names. */
  readonly replicas: ReadonlyMap<string, readonly Replica[]>
  readonly keys: readonly ApiKey[]
  readonly endpoints: ReadonlyMap<string, Endpoint>
  readonly engines: ReadonlyMap<string, Engine>
  readonly routes: readonly RouteDocument[]
}

export const within = (workspace: string | null, name: string) => `${workspace}/${name}`

const platform = 'platform/'

/** The key of what a document of a workspace refers to: a name of its own workspace, or `platform/NAME`. */
export function referred(workspace: string | null, reference: string): string {
  return reference.startsWith(platform)
    ? within(null, reference.slice(platform.length))
    : within(workspace, reference)
}

export function find(documents: readonly Document[]): Found {
  // What the store returns has been validated by the kind that it names.
  const of = <D extends Document>(kind: string) =>
    documents.filter(document => document.kind === kind) as readonly Document[] as readonly D[]
  const named = <D extends Document>(all: readonly D[]) =>
    new Map(all.map(document => [within(document.metadata.workspace, document.metadata.name), document]))
  const standing = <D extends Document>(kind: string) =>
    of<D>(kind)
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))
  return {
    workspaces: named(of<Workspace>('Workspace')),
    projects: named(of<Project>('Project')),
    users: named(of<User>('User')),
    accounts: named(of<ServiceAccount>('ServiceAccount')),
    providers: named(standing<ProviderDocument>('Provider')),
    credentials: named(standing<CredentialDocument>('Credential')),
    guardrails: named(standing<GuardrailDocument>('Guardrail')),
    issuers: standing<Issuer>('Issuer'),
    mcpServers: standing<McpServerDocument>('McpServer'),
    replicas: Map.groupBy(standing<Replica>('Replica').filter(ready), ({ metadata, spec }) =>
      within(metadata.workspace, spec.endpoint),
    ),
    keys: of<ApiKey>('ApiKey'),
    endpoints: named(standing<Endpoint>('Endpoint')),
    engines: named(standing<Engine>('Engine')),
    routes: standing<RouteDocument>('Route'),
  }
}

function ready({ spec, status }: Replica): boolean {
  return status.state === 'Ready' && status.address !== undefined && !spec.drain
}
