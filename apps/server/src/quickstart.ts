// What a first start leaves behind, made through our own API as any operator would: a model, an endpoint that
// serves it, a key that may call it. Every part is found again at the next start.
import { type Api, sha256 } from '@switchyard/api'
import type { Client, Manifest, Ref } from '@switchyard/client'
import {
  type apiKey,
  type Document,
  type DocumentOf,
  endpoint,
  Fault,
  type Kind,
  model,
} from '@switchyard/kinds'
import type { IdentityStore } from '@switchyard/runtime'
import type { Report } from './progress.ts'
import type { ServedModel } from './served-model.ts'

export const workspace = 'default'
const account = 'quickstart'
const setupSeconds = 24 * 3600

/** The operator's token of this installation: the one that the folder holds while it stands, else a new one. */
export async function operatorToken(
  api: Api,
  identity: IdentityStore,
  held: string | undefined,
): Promise<string> {
  if (held !== undefined && (await identity.isOperatorToken(sha256(held)))) return held
  return api.mintOperatorToken()
}

/** A fresh one-time link while there is no user; undefined once there is one. */
export async function setupLink(client: Client, api: Api, baseUrl: string): Promise<string | undefined> {
  const { items } = await client.list('User', { limit: 1 })
  if (items.length > 0) return undefined
  return `${baseUrl}/setup?token=${await api.mintSetupToken(setupSeconds)}`
}

/** Registers the file and waits until its bytes are known to be a model. */
export async function registerModel(
  client: Client,
  served: ServedModel,
  signal: AbortSignal,
): Promise<DocumentOf<typeof model>> {
  const { registry, path, name } = served
  await ensure(client, {
    kind: 'ModelRegistry',
    metadata: { name: registry.name },
    spec: { type: 'files', url: registry.url },
  })
  await ensure(client, {
    kind: 'Model',
    metadata: { name, workspace },
    spec: { task: 'chat', source: { registry: `platform/${registry.name}`, path } },
  })
  const settled = await until(
    client,
    model,
    name,
    signal,
    ({ status }) => status.phase === 'Ready' || status.phase === 'Invalid',
  )
  if (settled.status.phase === 'Ready') return settled
  throw new Fault('invalid', messageOf(settled, 'Validated') ?? `The model ${name} is invalid.`, {
    reason: 'model_invalid',
  })
}

/** Declares the endpoint and follows it until it is ready, telling of each phase. */
export async function startEndpoint(
  client: Client,
  name: string,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  await ensure(client, {
    kind: 'Endpoint',
    metadata: { name, workspace },
    spec: { model: { name }, paused: false },
  })
  let told = ''
  const settled = await until(client, endpoint, name, signal, document => {
    const { phase = 'Pending' } = document.status
    if (phase !== told) report({ type: 'started', step: 'engine', detail: phase })
    told = phase
    // A status of an older generation speaks of an older spec.
    return (
      (phase === 'Ready' && document.status.observedGeneration === document.metadata.generation) ||
      phase === 'Failed'
    )
  })
  if (settled.status.phase === 'Ready') return
  const why =
    messageOf(settled, 'Progressing') ?? messageOf(settled, 'Resolved') ?? messageOf(settled, 'Ready')
  throw new Fault('unavailable', `The engine did not start: ${why ?? 'see `switchyard describe endpoint`'}`, {
    reason: 'engine_failed',
  })
}

/** The quickstart key: the one that the folder holds while it stands, else a new secret for it. */
export async function quickstartKey(client: Client, held: string | undefined): Promise<string> {
  await ensure(client, { kind: 'ServiceAccount', metadata: { name: account, workspace }, spec: {} })
  await ensure(client, {
    kind: 'RoleAssignment',
    metadata: { name: account, workspace },
    spec: { subject: { kind: 'ServiceAccount', name: account }, role: 'platform/developer' },
  })
  const ref = { workspace, name: account }
  const present = await find<typeof apiKey>(client, 'ApiKey', ref)
  if (present && held?.includes(`-${present.status.publicId ?? 'none'}-`)) return held
  const owner = { kind: 'ServiceAccount', name: account }
  const answer = present
    ? await client.action('ApiKey', ref, 'rotate')
    : await client.create({ kind: 'ApiKey', metadata: ref, spec: { owner } })
  const { secret } = answer as { readonly secret?: unknown } // shown once, beside the document
  if (typeof secret !== 'string') throw new Fault('internal', 'The API made a key without showing it.')
  return secret
}

/** Creates the document, or brings its spec to what is asked; what is not named stays. */
async function ensure(client: Client, manifest: Manifest): Promise<void> {
  const { kind, metadata, spec } = manifest
  const ref = { name: metadata.name, workspace: metadata.workspace ?? null }
  // An equal patch writes nothing.
  if (await find(client, kind, ref)) await client.patch(kind, ref, { spec })
  else await client.create(manifest)
}

async function find<K extends Kind>(
  client: Client,
  kind: string,
  ref: Ref,
): Promise<DocumentOf<K> | undefined> {
  try {
    return (await client.get(kind, ref)) as DocumentOf<K> // the API answers documents of the kind that was asked
  } catch (error) {
    if (error instanceof Fault && error.code === 'not_found') return undefined
    throw error
  }
}

/** Watches one document of the workspace until `settled` says so. */
async function until<K extends Kind>(
  client: Client,
  kind: K,
  name: string,
  signal: AbortSignal,
  settled: (document: DocumentOf<K>) => boolean,
): Promise<DocumentOf<K>> {
  const watch = client.watch(kind.kind, { workspace, fieldSelector: `metadata.name=${name}`, signal })
  for await (const event of watch) {
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue
    const document = event.document as DocumentOf<K> // the watch is of this kind
    if (settled(document)) return document
  }
  throw new Fault('cancelled', `Stopped while waiting for ${kind.noun} ${name}.`)
}

function messageOf(document: Document, type: string): string | undefined {
  const { conditions } = document.status as {
    readonly conditions?: readonly { type: string; status: string; message: string }[]
  } // every status has them
  return conditions?.find(condition => condition.type === type && condition.status === 'False')?.message
}
