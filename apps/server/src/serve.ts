// The whole of Switchyard on one port: database, control plane and reconcilers in this process, and the gateway here
// or in workers.
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Api, bootstrapDocuments, createApi, type Shipped } from '@switchyard/api'
import { enginesWith } from '@switchyard/catalog'
import { type Client, createClient } from '@switchyard/client'
import { startControl } from '@switchyard/control'
import { smtpMailer } from '@switchyard/drivers/mail/smtp'
import { openProcesses } from '@switchyard/drivers/orchestrators/process'
import { httpProber } from '@switchyard/drivers/prober'
import { filesRegistry } from '@switchyard/drivers/registries/files'
import { guardedFetch } from '@switchyard/gateway'
import { apiVersion } from '@switchyard/kinds'
import { invoicing } from '@switchyard/ledger'
import { examine, systemClock, systemRandom, timestamp, type Vault } from '@switchyard/runtime'
import type { KeyRing } from '@switchyard/store'
import { keepBudgets } from './budgets.ts'
import { type ConfigFile, followConfigFile } from './config-file.ts'
import { openConsole } from './console.ts'
import { ControlMetrics } from './control-metrics.ts'
import { type Database, openDatabase, prepareSchema } from './database.ts'
import { serverChecks } from './doctor.ts'
import { firstToken } from './first-token.ts'
import { claim, type Folder, openFolder, readQuickstart, release, writeQuickstart } from './folder.ts'
import { type Front, takePort } from './front.ts'
import { keepInvoicing } from './invoicing.ts'
import { shipLeftovers } from './journals.ts'
import { tellKeyUses } from './key-uses.ts'
import { createLog, observer } from './log.ts'
import { listenForOperations, operationsHandler, operationsOf } from './operations.ts'
import { type Quickstart, type Report, step } from './progress.ts'
import {
  operatorToken,
  quickstartKey,
  registerModel,
  setupLink,
  startEndpoint,
  workspace,
} from './quickstart.ts'
import { openResponses } from './responses.ts'
import { followKeys, openKeys, prepareKeys } from './root-keys.ts'
import { keepSealing } from './sealing.ts'
import { servedModel } from './served-model.ts'
import type { Settings } from './settings.ts'
import { openSnapshotDisk } from './snapshot-disk.ts'
import { holdGauges, invoiceGauges, sealingGauges, trailGauges, watchStanding } from './standing-metrics.ts'
import { keepTidy } from './tidy.ts'
import { openTrail } from './trail.ts'
import { version } from './version.ts'
import { callerAddress } from './workers-control.ts'
import type { WorkerState } from './workers-messages.ts'

/** The built-in engine is a program of its own, started as a child. */
const engine = fileURLToPath(import.meta.resolve('@switchyard/engine/main'))

export interface Serving extends AsyncDisposable {
  readonly quickstart: Quickstart
  readonly bundled: boolean
  /** Processes of the gateway; none where this one runs it. */
  readonly workers: readonly WorkerState[]
}

/** Starts everything and resolves once a real call was answered. Disposing drains, and leaves engines running. */
export async function serve(settings: Settings, report: Report, signal: AbortSignal): Promise<Serving> {
  const served = servedModel(settings.model)
  const folder = openFolder(settings.data)
  const log = createLog(settings)
  await using stack = new AsyncDisposableStack()

  const port = await takePort(settings, folder.path, log)
  stack.defer(() => port.close(0))
  const holder = `${hostname()}/${process.pid}/${Date.now()}`
  const dead = claim(folder.path, settings.port, holder)
  stack.defer(() => release(folder.path))

  const { clock, random } = { clock: systemClock, random: systemRandom }
  let stopping = false
  const leave = async (front: Front) => {
    stopping = true
    await clock.sleep(settings.stopDelaySeconds * 1000)
    // No new connection from here on; running requests go on, and streams of the API end with the port.
    const closed = port.close(drainMilliseconds(settings))
    await front.drain(settings.drainSeconds)
    return { closed }
  }
  const openFront = async ({ url, opened }: Database, vault: Vault, keys: KeyRing) => {
    const front = stack.use(
      await port.open({
        settings,
        opened,
        databaseUrl: url,
        vault,
        disk: openSnapshotDisk(folder, settings, keys),
        responses: openResponses(opened, settings, keys),
        journals: folder.journal,
        log,
        clock,
        random,
      }),
    )
    const operations = operationsOf(front, settings.maxStaleSeconds, () => stopping, control)
    if (settings.operations) stack.use(await listenForOperations(settings.operations, operations))
    return { front, operations }
  }

  const control = new ControlMetrics(settings)
  // Before the gateway: what is opened last is closed first, and the gateway reads the store to its end.
  const database = stack.use(await openDatabase(folder, settings.databaseUrl, report, log, control.hear))
  const { opened } = database
  const known = openKeys(opened, folder.path, settings)
  let early: Awaited<ReturnType<typeof openFront>> | undefined
  await prepareSchema({
    url: database.url,
    external: settings.databaseUrl !== undefined,
    report,
    signal,
    async away(fault) {
      if (!known || !(await openSnapshotDisk(folder, settings, known).told())) throw fault
      early = await step(
        report,
        'gateway',
        () => openFront(database, opened.openVault(known), known),
        ({ front }) => `${workersWords(front.workers)}, on its snapshot on disk`,
      )
      const { front, operations } = early
      front.serve(operationsHandler({ readiness: operations.readiness }))
      // A stop before the store is back drains too.
      stack.defer(async () => {
        const { closed } = await leave(front)
        await closed
      })
    },
  })
  const {
    store,
    secrets,
    leases,
    identity,
    usage,
    audit,
    ledger,
    demand,
    quotas,
    reservations,
    prune,
    prices,
  } = opened
  if (dead !== undefined) await leases.releaseAll(dead)
  const { keys, vault } = await prepareKeys(opened, folder.path, known)
  const trail = stack.use(
    await openTrail({
      opened,
      persons: opened.openPersons(keys, vault),
      folder,
      settings: settings.audit,
      holder,
      clock,
      log,
    }),
  )
  const told = { clock, tell: control.tell }
  stack.use(
    watchStanding({
      ...told,
      gauges: sealingGauges,
      async read() {
        const standing = await opened.batches.standing()
        return settings.usage.archive === undefined
          ? { ...standing, unarchived: null, archivedAt: null }
          : standing
      },
      observe: observer(log, 'usage'),
    }),
  )
  stack.use(
    watchStanding({
      ...told,
      gauges: trailGauges,
      read: () => audit.standing(),
      observe: observer(log, 'audit'),
    }),
  )
  stack.use(
    watchStanding({
      ...told,
      gauges: invoiceGauges,
      read: () => opened.invoices.standing(timestamp(clock.now())),
      observe: observer(log, 'invoice'),
    }),
  )
  stack.use(
    watchStanding({
      ...told,
      gauges: holdGauges,
      read: () => ledger.standing(),
      // Holds of a whole day are gone through.
      everyMilliseconds: 60_000,
      observe: observer(log, 'ledger'),
    }),
  )
  const following = stack.use(followKeys(vault, true, clock, observer(log, 'keys')))
  const ending = new AbortController()
  const invoices = { invoices: opened.invoices, prices, now: clock.now, observe: observer(log, 'invoice') }

  let config: ConfigFile | undefined
  const { api, front } = await step(
    report,
    'gateway',
    async () => {
      const { front, operations } = early ?? (await openFront(database, vault, keys))
      stack.use(
        shipLeftovers({
          root: folder.journal,
          store: usage,
          clock: clock.now,
          time: clock,
          random: random.fraction,
          observe: observer(log, 'journal'),
          observeShipping: observer(log, 'usage'),
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
      const keyUses = stack.use(tellKeyUses({ uses: opened.keyUses, clock, observe: observer(log, 'keys') }))
      const api = await createApi({
        store,
        secrets,
        vault,
        identity,
        usage,
        audit,
        trail,
        ledger,
        invoicing: invoicing(invoices),
        prices,
        issuer: settings.baseUrl,
        cursorKey: folder.cursorKey,
        version,
        now: clock.now,
        uuid: random.id,
        random: size => crypto.getRandomValues(new Uint8Array(size)),
        chance: random.fraction,
        observe: observer(log, 'api'),
        logs: (ref, ask, stop) => orchestrator.logs(ref, ask, stop),
        metrics: () => front.metrics() + control.text(),
        keyAdded: following.wake,
        keyUses: opened.keyUses,
        keyUsed: id => keyUses.note(id, clock.now()),
        examine: () =>
          examine(
            [...serverChecks({ settings, ...operations }), ...opened.checks(vault, clock.now, settings)],
            clock.monotonic,
          ),
        explain: ask => front.explain(ask),
        configuration: () => config?.state,
        ready: async () => {
          const told = operations.readiness()
          const problem = trail.problem()
          return problem === undefined
            ? told
            : { ...told, degraded: [...told.degraded, `the trail: ${problem}`] }
        },
        address: callerAddress,
        outside: guardedFetch,
        mailer: settings.mail && smtpMailer(settings.mail),
        console: await openConsole(),
      })
      stack.defer(() => api.close())
      stack.defer(() => ending.abort())
      stack.use(
        startControl({
          store,
          leases,
          demand,
          quotas,
          reservations,
          orchestrator,
          registries: { files: filesRegistry },
          discover: api.discover,
          prober: httpProber,
          holder,
          clock,
          random,
          observe: observer(log, 'control'),
          signal: ending.signal,
        }),
      )
      front.serve(api.handle)
      return { api, front }
    },
    ({ front }) => workersWords(front.workers),
  )

  await step(
    report,
    'resources',
    () => api.ship([...bootstrapDocuments(), ...installationDocuments(settings)]),
    shipped =>
      `${shipped.filter(({ outcome }) => outcome !== 'unchanged').length} written of ${shipped.length}`,
  )
  const renewed = await api.renewFingerprints()
  if (renewed > 0) log.info({ credentials: renewed }, 'fingerprints_renewed')
  const lookers = { store, leases, holder, clock }
  stack.use(keepBudgets({ ...lookers, usage, now: clock.now, observe: observer(log, 'budget') }))
  stack.use(keepInvoicing({ ...invoices, ...lookers }))
  const sealing = { opened, settings, holder, clock, observe: observer(log, 'usage') }
  stack.use(await keepSealing(sealing))
  const { bytes: responseBytes } = settings.responses
  const { tidied } = control
  stack.use(
    keepTidy({ prune: () => prune({ responseBytes }), tidied, clock, observe: observer(log, 'tidy') }),
  )

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
  // It may lead to what the first start makes. What it said before is in force since the gateway stands.
  const { config: file, variable } = settings
  if (file !== undefined) {
    const { configure } = api
    const observe = observer(log, 'config')
    config = stack.use(await followConfigFile({ file, variable, configure, clock, observe }))
  }
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
    workers: front.workers,
    async [Symbol.asyncDispose]() {
      log.info('stopping')
      const { closed } = await leave(front)
      await owned.disposeAsync()
      await closed
      log.flush()
    },
  }
}

const drainMilliseconds = ({ drainSeconds }: Settings) => (drainSeconds + 5) * 1000

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

function workersWords(workers: readonly WorkerState[]): string {
  if (workers.length === 0) return 'in this process'
  return `${workers.length} workers, ${workers.map(({ pid }) => `process ${pid ?? '?'}`).join(', ')}`
}
