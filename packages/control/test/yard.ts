// A whole control plane for a test: the real store, real processes, and documents that a person would write.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { engines } from '@switchyard/catalog'
import { type ControlObservation, type ControlOptions, startControl } from '@switchyard/control'
import { openProcesses, type ProcessOptions } from '@switchyard/drivers/orchestrators/process'
import { httpProber } from '@switchyard/drivers/prober'
import { filesRegistry } from '@switchyard/drivers/registries/files'
import { apiVersion, type Document, findKind } from '@switchyard/kinds'
import { type Store, systemClock, systemRandom } from '@switchyard/runtime'
import { randomModel } from '../../../models/tiny/gguf.ts'

export const tinyEngine = fileURLToPath(new URL('./tiny-engine.ts', import.meta.url))
const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const
const control = { role: 'control' } as const

export interface Yard {
  readonly directory: string
  readonly installation: string
  readonly processes: ProcessOptions
}

export async function makeYard(builtin: readonly string[] = [process.execPath, tinyEngine]): Promise<Yard> {
  const directory = await mkdtemp(join(tmpdir(), 'control-'))
  await writeFile(join(directory, 'tiny.gguf'), randomModel(1))
  const installation = systemRandom.id()
  return { directory, installation, processes: processesOf(directory, installation, builtin) }
}

export const removeYard = ({ directory }: Yard) =>
  rm(directory, { recursive: true, force: true, maxRetries: 3 })

export const processesOf = (
  directory: string,
  installation: string,
  builtin: readonly string[],
): ProcessOptions => ({
  directory,
  installation,
  builtin,
  environment: { PATH: process.env.PATH ?? '', HOME: tmpdir(), LANG: 'C.UTF-8' },
  clock: systemClock,
  random: systemRandom,
  startingProbeMs: 50,
  readyProbeMs: 200,
  probeTimeoutMs: 500,
})

/** Control over the processes of a yard; disposing leaves the replicas running. */
export async function runControl(
  yard: Pick<Yard, 'processes'>,
  opened: Pick<ControlOptions, 'store' | 'leases' | 'demand' | 'quotas' | 'reservations'>,
  options: Partial<ControlOptions> & { readonly observe?: (observation: ControlObservation) => void } = {},
) {
  const orchestrator = await openProcesses(yard.processes)
  const controllers = startControl({
    store: opened.store,
    leases: opened.leases,
    demand: opened.demand,
    quotas: opened.quotas,
    reservations: opened.reservations,
    orchestrator,
    registries: { files: filesRegistry },
    discover: async () => ({ found: true }),
    prober: httpProber,
    holder: systemRandom.id(),
    clock: systemClock,
    random: systemRandom,
    ...options,
  })
  return {
    orchestrator,
    controllers,
    async [Symbol.asyncDispose]() {
      await controllers[Symbol.asyncDispose]()
      await orchestrator[Symbol.asyncDispose]()
    },
  }
}

/** A document as the API would have stored it: defaults applied, finalizers of its kind set. */
export async function put(
  store: Store,
  kind: string,
  name: string,
  spec: unknown,
  workspace: string | null = null,
) {
  const found = findKind(kind)
  if (!found) throw new TypeError(kind)
  const at = new Date().toISOString()
  const document: Document = {
    apiVersion,
    kind,
    metadata: {
      id: systemRandom.id(),
      name,
      workspace,
      project: null,
      labels: {},
      annotations: {},
      generation: 1,
      resourceVersion: '0',
      creationTimestamp: at,
      updateTimestamp: at,
      createdBy: 'user:test',
      updatedBy: 'user:test',
      ownerReferences: [],
      finalizers: kind === 'Endpoint' ? ['switchyard.dev/endpoint'] : [],
    },
    spec: found.spec.parse(spec),
    status: {},
  }
  await store.write(operator, tx => tx.insert(document, []))
  return document
}

export const get = (store: Store, kind: string, name: string, workspace: string | null = null) =>
  store.read(control, tx => tx.get({ kind, workspace, name }))

export const list = async (store: Store, kind: string) =>
  (await store.read(control, tx => tx.list({ kind }))).items

/** What a person changes: the spec, or its end. */
export async function change(
  store: Store,
  key: { kind: string; name: string; workspace: string | null },
  patch: object | 'delete',
) {
  await store.write(operator, async tx => {
    const document = await tx.lock(key, 'update')
    if (!document) throw new TypeError(`there is no ${key.kind} ${key.name}`)
    const { metadata } = document
    const generation = metadata.generation + 1
    const next =
      patch === 'delete'
        ? { ...document, metadata: { ...metadata, generation, deletionTimestamp: new Date().toISOString() } }
        : {
            ...document,
            spec: { ...(document.spec as object), ...patch },
            metadata: { ...metadata, generation },
          }
    await tx.update(next, null)
  })
}

/** The platform's documents and a model, as at first start. */
export async function furnish(store: Store, { directory }: Pick<Yard, 'directory'>): Promise<void> {
  await put(store, 'Workspace', 'default', {})
  await put(store, 'Cluster', 'local', { type: 'local', share: 'all' })
  for (const row of engines) await put(store, 'Engine', row.name, row.spec)
  await put(store, 'ModelRegistry', 'files', { type: 'files', url: pathToFileURL(directory).href })
  await put(store, 'Model', 'tiny', { source: { registry: 'platform/files', path: 'tiny.gguf' } })
}

export const chat = (spec: object = {}) => ({ model: { name: 'platform/tiny' }, drainSeconds: 5, ...spec })
export const chatKey = { kind: 'Endpoint', name: 'chat', workspace: 'default' } as const

/** Waits for what is observed, never for a time. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false | null>,
  seconds = 30,
): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; await systemClock.sleep(50)) {
    const found = await probe()
    if (found !== undefined && found !== false && found !== null) return found
    if (Date.now() > end) throw new Error(`never came: ${what}`)
  }
}

export interface Seen {
  readonly phase?: string
  readonly conditions?: readonly {
    readonly type: string
    readonly status: string
    readonly reason: string
    readonly message: string
  }[]
  readonly replicas?: { readonly desired: number; readonly ready: number; readonly draining: number }
  readonly revisions?: { readonly desired?: number; readonly active?: number }
  readonly state?: string
  readonly address?: string
  readonly restarts?: number
  readonly failure?: { readonly reason: string; readonly message: string }
}

/** A test reads what control has written. */
export const statusOf = (document: Document | undefined): Seen => (document?.status ?? {}) as Seen

export const phaseOf = async (store: Store, name = 'chat') =>
  statusOf(await get(store, 'Endpoint', name, 'default')).phase
export const untilPhase = (store: Store, phase: string, name = 'chat', seconds = 30) =>
  until(`${name} ${phase}`, async () => (await phaseOf(store, name)) === phase, seconds)
export const replicasOf = async (store: Store) => {
  const all = await list(store, 'Replica')
  // A test reads what control has written.
  return all as readonly (Document & {
    readonly spec: { readonly revision: number; readonly drain?: object }
    readonly status: Seen
  })[]
}
