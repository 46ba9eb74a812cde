// The whole of Switchyard in one process: database, gateway, control plane and reconcilers, on one port.
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Api, bootstrapDocuments, createApi, type Shipped } from '@switchyard/api'
import { enginesWith } from '@switchyard/catalog'
import { type Client, createClient } from '@switchyard/client'
import { startControl } from '@switchyard/control'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { openProcesses } from '@switchyard/drivers/orchestrators/process'
import { httpProber } from '@switchyard/drivers/prober'
import { filesRegistry } from '@switchyard/drivers/registries/files'
import { compileSnapshot, createGateway, emptySnapshot } from '@switchyard/gateway'
import { apiVersion } from '@switchyard/kinds'
import { meter, shipUsage } from '@switchyard/ledger'
import { Sealed, systemClock, systemRandom, type Vault } from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'
import { openJournal } from '@switchyard/store/journal'
import type { Logger } from 'pino'
import { openDatabase } from './database.ts'
import { firstToken } from './first-token.ts'
import {
  claim,
  type Folder,
  openFolder,
  readQuickstart,
  readSecretKeyFile,
  readSecretKeys,
  release,
  writeQuickstart,
  writeSecretKey,
} from './folder.ts'
import { listen } from './listen.ts'
import { createLog, observer } from './log.ts'
import { type Quickstart, type Report, step } from './progress.ts'
import {
  operatorToken,
  quickstartKey,
  registerModel,
  setupLink,
  startEndpoint,
  workspace,
} from './quickstart.ts'
import { servedModel } from './served-model.ts'
import type { Settings } from './settings.ts'
import { followSnapshot } from './snapshot.ts'
import { keepTidy } from './tidy.ts'
import { version } from './version.ts'

/** The built-in engine is a program of its own, started as a child. */
const engine = fileURLToPath(import.meta.resolve('@switchyard/engine/main'))

export interface Serving extends AsyncDisposable {
  readonly quickstart: Quickstart
  readonly bundled: boolean
}

/** Starts everything and resolves once a real call was answered. Disposing drains, and leaves engines running. */
export async function serve(settings: Settings, report: Report, signal: AbortSignal): Promise<Serving> {
  const served = servedModel(settings.model)
  const folder = openFolder(settings.data)
  const log = createLog(settings)
  await using stack = new AsyncDisposableStack()

  const listening = await listen(settings.host, settings.port)
  stack.defer(() => listening.close(0))
  const holder = `${hostname()}/${process.pid}/${Date.now()}`
  const dead = claim(folder.path, settings.port, holder)
  stack.defer(() => release(folder.path))

  const database = stack.use(await openDatabase(folder, settings.databaseUrl, report, log))
  const { store, secrets, leases, identity, usage, prune } = database.opened
  if (dead !== undefined) await leases.releaseAll(dead)
  const vault = await openVault(database.opened, folder, settings, log)
  const ending = new AbortController()
  const { clock, random } = { clock: systemClock, random: systemRandom }

  const { api, gateway } = await step(report, 'gateway', async () => {
    const journal = stack.use(
      await openJournal({
        folder: folder.journal,
        sync: settings.journalSync,
        clock: clock.now,
        observe: observer(log, 'journal'),
      }),
    )
    const shipping = new AbortController()
    const shipped = shipUsage({
      reader: journal.reader,
      store: usage,
      observe: observer(log, 'usage'),
      clock: clock.now,
      random: random.fraction,
      signal: shipping.signal,
    })
    stack.defer(async () => {
      // What was just answered is shipped too; what is not shipped in time stays in the journal.
      await until(() => journal.drained, 5000)
      shipping.abort()
      await shipped
    })
    let snapshot = emptySnapshot
    const following = await followSnapshot({
      store,
      secrets,
      vault,
      limits: settings.limits,
      swap: inputs => {
        snapshot = compileSnapshot(inputs)
      },
      observe: observer(log, 'snapshot'),
      clock: clock.now,
      signal: ending.signal,
    })
    stack.defer(() => {
      ending.abort()
      return following.done
    })
    const gateway = stack.use(
      createGateway({
        snapshot: () => snapshot,
        journal,
        limiter: stack.use(openMemoryLimiter({ clock })),
        version,
        meter,
        clock: clock.now,
        random: random.fraction,
        uuid: random.id,
        observe: observer(log, 'gateway'),
      }),
    )
    const orchestrator = stack.use(
      await openProcesses({
        directory: folder.path,
        installation: folder.installation,
        builtin: [process.execPath, engine],
        environment: { PATH: settings.path, HOME: settings.home, LANG: 'C.UTF-8' },
        clock,
        random,
        observe: observer(log, 'process'),
      }),
    )
    const api = await createApi({
      store,
      secrets,
      vault,
      identity,
      usage,
      issuer: settings.baseUrl,
      cursorKey: folder.cursorKey,
      version,
      now: clock.now,
      uuid: random.id,
      random: size => crypto.getRandomValues(new Uint8Array(size)),
      chance: random.fraction,
      observe: observer(log, 'api'),
      logs: (ref, ask, stop) => orchestrator.logs(ref, ask, stop),
      metrics: () => gateway.metrics(),
    })
    stack.defer(() => api.close())
    stack.use(
      startControl({
        store,
        leases,
        orchestrator,
        registries: { files: filesRegistry },
        prober: httpProber,
        holder,
        clock,
        random,
        observe: observer(log, 'control'),
        signal: ending.signal,
      }),
    )
    listening.serve({ gateway, control: api.handle })
    return { api, gateway }
  })

  await step(
    report,
    'resources',
    () => api.ship([...bootstrapDocuments(), ...installationDocuments(settings)]),
    shipped =>
      `${shipped.filter(({ outcome }) => outcome !== 'unchanged').length} written of ${shipped.length}`,
  )
  stack.use(keepTidy(prune, clock, observer(log, 'tidy')))

  const held = readQuickstart(folder.path)
  const adminToken = await operatorToken(api, identity, held?.adminToken)
  await using client = createClient({ url: settings.localUrl, token: () => adminToken, signal })
  await step(
    report,
    'model',
    () => registerModel(client, served, signal),
    ({ status }) => `${served.file}, ${status.files?.[0]?.bytes ?? 0} bytes`,
  )
  await step(
    report,
    'engine',
    () => startEndpoint(client, served.name, report, signal),
    () => `${served.name} is ready`,
  )
  const apiKey = await quickstartKey(client, held?.apiKey)
  const quickstart = await record(folder, settings, client, api, {
    adminToken,
    apiKey,
    model: served.name,
  })
  await step(
    report,
    'token',
    () => firstToken({ ...quickstart, baseUrl: settings.localUrl }, signal),
    text => JSON.stringify(text),
  )

  log.info({ version, url: settings.baseUrl, data: folder.path, pid: process.pid }, 'ready')
  const owned = stack.move()
  return {
    quickstart,
    bundled: served.bundled,
    async [Symbol.asyncDispose]() {
      log.info('stopping')
      // No new connection from here on; running requests go on, and streams of the API end with it.
      const closed = listening.close((settings.drainSeconds + 5) * 1000)
      await gateway.drain(settings.drainSeconds)
      await owned.disposeAsync()
      await closed
      log.flush()
    },
  }
}

/** The vault under the keys that were given, or under one that the first start makes. */
async function openVault(
  opened: OpenedStore,
  folder: Folder,
  { secretKeys, secretKeyFile }: Settings,
  log: Logger,
): Promise<Vault> {
  const found = [
    ...secretKeys,
    ...(secretKeyFile === undefined ? [] : readSecretKeyFile(secretKeyFile)),
    ...readSecretKeys(folder.path),
  ]
  const made = new Sealed(crypto.getRandomValues(new Uint8Array(32)))
  const vault = opened.openVault((found.length > 0 ? found : [made]).map(key => key.reveal()))
  // Before a key is made: one that is missing must not be hidden by a new one.
  await vault.verify()
  if (found.length === 0) writeSecretKey(folder.path, made)
  const turned = found.length > 1 ? await vault.rewrap() : 0
  if (turned > 0) log.info({ secrets: turned }, 'secrets_rewrapped')
  return vault
}

async function record(
  folder: Folder,
  settings: Settings,
  client: Client,
  api: Api,
  facts: Pick<Quickstart, 'adminToken' | 'apiKey' | 'model'>,
): Promise<Quickstart> {
  const setupUrl = await setupLink(client, api, settings.baseUrl)
  const quickstart = {
    baseUrl: settings.baseUrl,
    workspace,
    ...facts,
    ...(setupUrl !== undefined && { setupUrl }),
  }
  writeQuickstart(folder.path, quickstart)
  return quickstart
}

/** What this machine offers: its cluster, and the engines of the catalog. */
function installationDocuments({ llamaServer }: Settings): readonly Shipped[] {
  const labels = { 'switchyard.dev/builtin': 'true' }
  const platform = (kind: string, name: string, description: string, spec: Shipped['spec']): Shipped => ({
    apiVersion,
    kind,
    metadata: { name, workspace: null, description, labels },
    spec,
  })
  return [
    platform('Cluster', 'local', 'This machine.', { type: 'local', share: 'all' }),
    ...enginesWith(llamaServer === undefined ? {} : { llamaServer }).map(({ name, description, spec }) =>
      platform('Engine', name, description, spec),
    ),
  ]
}

async function until(done: () => boolean, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (!done() && performance.now() < deadline) await systemClock.sleep(20)
}
