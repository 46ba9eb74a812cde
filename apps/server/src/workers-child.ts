// A worker: the gateway alone, on connections that the server hands over, with a journal, a snapshot and a health of
// its own. It ends with the server, and lets its requests end first.
import type { Socket } from 'node:net'
import type { ExplainAsk, Gateway } from '@switchyard/gateway'
import { Fault } from '@switchyard/kinds'
import { compilePrices } from '@switchyard/ledger'
import { systemClock, systemRandom } from '@switchyard/runtime'
import { openStore } from '@switchyard/store'
import { openFolder } from './folder.ts'
import { openGateway } from './gateway-process.ts'
import { claimJournal } from './journals.ts'
import { type Edge, openEdge } from './listen.ts'
import { createLog, observer } from './log.ts'
import { openResponses } from './responses.ts'
import { followKeys, openKeys } from './root-keys.ts'
import type { Settings } from './settings.ts'
import { openSnapshotDisk } from './snapshot-disk.ts'
import { openCertificates } from './tls.ts'
import { forwardTo } from './workers-control.ts'
import type { Begin, FromWorker, ToWorker } from './workers-messages.ts'

/** The follower of the snapshot and the shipper of usage take turns on few. */
const storeConnections = 4
/** What may still be written to connections when no request runs any more. */
const lingerMilliseconds = 1000

const tell = (message: FromWorker) => {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined) // nobody hears it: the server has gone
}

/** Resolves when it has drained; rejects with what keeps it from starting. */
export async function work(settings: Settings): Promise<void> {
  // A terminal's Ctrl-C reaches the whole group: the server decides.
  process.on('SIGINT', () => undefined)
  const begin = Promise.withResolvers<Begin>()
  const leaving = Promise.withResolvers<number>()
  let gateways = settings.workers
  // The server speaks first, and may take back what it began.
  let act: (message: ToWorker, socket: Socket | undefined) => void = () => undefined
  process.on('message', (message: ToWorker, socket: Socket | undefined) => {
    if (message.type === 'begin') begin.resolve(message)
    else if (message.type === 'gateways') gateways = message.count
    else if (message.type === 'drain') leaving.resolve(message.seconds)
    else act(message, socket)
  })
  const { worker, databaseUrl, control } = await begin.promise
  const root = createLog(settings)
  const log = root.child({ worker })
  const folder = openFolder(settings.data)
  await using stack = new AsyncDisposableStack()
  const opened = stack.use(
    openStore({
      url: databaseUrl,
      connections: storeConnections,
      prices: compilePrices,
      observe: observer(log, 'store'),
    }),
  )
  const keys = openKeys(opened, folder.path, settings)
  if (!keys) throw new Fault('unavailable', 'A worker needs the keys of its server.', { reason: 'no_vault' })
  const vault = opened.openVault(keys)
  stack.use(followKeys(vault, false, systemClock, observer(log, 'keys')))
  const open = new Set<Socket>()
  const { gateway, metrics } = stack.use(
    await openGateway({
      settings,
      opened,
      databaseUrl,
      vault,
      disk: openSnapshotDisk(folder, settings, keys),
      standing: ({ equalAt, away }) => tell({ type: 'snapshot', standing: { equalAt, away } }),
      responses: openResponses(opened, settings, keys),
      journal: () =>
        claimJournal(folder.journal, {
          sync: settings.journalSync,
          clock: systemClock.now,
          observe: observer(log, 'journal'),
        }),
      gateways: () => gateways,
      log,
      clock: systemClock,
      random: systemRandom,
    }),
  )
  const { tls } = settings
  const plain = openEdge()
  const secured =
    tls && openEdge(stack.use(await openCertificates(tls.files, { observe: observer(log, 'tls') })))
  const edges = [plain, ...(secured ? [secured] : [])]
  for (const edge of edges) edge.serve({ gateway, control: forwardTo(control) })

  let ended = 0
  const tellEnded = () => {
    tell({ type: 'closed', count: ended })
    ended = 0
  }
  const take = (socket: Socket, { server }: Edge) => {
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      if (ended++ === 0) setImmediate(tellEnded)
    })
    server.emit('connection', socket)
  }
  act = (message, socket) => {
    const { type } = message
    if (type === 'connection') {
      tell({ type: 'taken' })
      if (socket) take(socket, (message.secure && secured) || plain)
      else tell({ type: 'closed', count: 1 }) // it ended on the way
    }
    if (type === 'explain') void explain(gateway, message.number, message.ask)
    else if (type === 'metrics')
      tell({ type: 'metrics', text: metrics(edges.reduce((sum, { connections }) => sum + connections, 0)) })
  }
  process.once('SIGTERM', () => {
    tell({ type: 'leaving' })
    leaving.resolve(settings.drainSeconds)
  })
  // The server has gone, and with it who hands connections over.
  process.once('disconnect', () => leaving.resolve(settings.drainSeconds))
  if (!process.connected) leaving.resolve(0)
  tell({ type: 'ready' })

  const seconds = await leaving.promise
  log.info({ connections: open.size }, 'stopping')
  const closed = Promise.all(edges.map(edge => edge.close((seconds + 5) * 1000)))
  await gateway.drain(seconds)
  for (const { server } of edges) server.closeIdleConnections()
  const deadline = systemClock.monotonic() + lingerMilliseconds
  while (open.size > 0 && systemClock.monotonic() < deadline) await systemClock.sleep(20)
  for (const socket of open) socket.destroy()
  await closed
  tell({ type: 'metrics', text: metrics(0) })
  await stack.disposeAsync()
  root.flush()
}

async function explain(gateway: Gateway, number: number, ask: ExplainAsk): Promise<void> {
  try {
    const value = await gateway.explain(ask)
    tell({ type: 'explained', number, answer: { type: 'ok', value } })
  } catch (error) {
    const { code, message } =
      error instanceof Fault ? error : { code: 'internal' as const, message: String(error) }
    tell({ type: 'explained', number, answer: { type: 'failed', code, message } })
  }
}
