// What stands at the port: the gateway in this process, or workers that run it. The port is taken first, before
// anything is started, so that two servers can't both think that it is theirs.
import type { ExplainAsk, Explanation } from '@switchyard/gateway'
import type { Vault } from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'
import { openJournal } from '@switchyard/store/journal'
import type { Logger } from 'pino'
import { type GatewayOptions, openGateway } from './gateway-process.ts'
import { type Edge, type Handler, listen } from './listen.ts'
import { observer } from './log.ts'
import type { Settings } from './settings.ts'
import type { SnapshotStanding } from './snapshot.ts'
import { openCertificates } from './tls.ts'
import type { WorkerState } from './workers-messages.ts'
import { openSharedPort } from './workers-port.ts'

export interface FrontOptions extends Omit<GatewayOptions, 'journal' | 'gateways' | 'standing'> {
  readonly opened: OpenedStore
  readonly vault: Vault
  /** Journals of usage. */
  readonly journals: string
}

export interface Front extends AsyncDisposable {
  /** None where the gateway runs in this process. */
  readonly workers: readonly WorkerState[]
  /** What readiness waits for; none when empty. */
  readonly problems: readonly string[]
  /** Of each gateway process that is ready. */
  readonly snapshots: readonly SnapshotStanding[]
  /** Asks every process for its counters, where there are several. */
  gather(): Promise<void>
  /** Prometheus' text, as it was last gathered. */
  metrics(): string
  /** Where a request would go, by the gateway or one of its workers. */
  explain(ask: ExplainAsk): Promise<Explanation>
  /** Answers for the control plane from now on. */
  serve(control: Handler): void
  /** Lets what runs end, for so many seconds; takes nothing new. */
  drain(seconds: number): Promise<void>
}

export interface Port {
  /** Starts the gateway behind it. */
  open(options: FrontOptions): Promise<Front>
  /** Refuses new connections; resolves when the open ones have ended or `milliseconds` have passed. */
  close(milliseconds: number): Promise<void>
}

/** Answers "starting" until its front serves. */
export const takePort = (settings: Settings, folder: string, log: Logger): Promise<Port> =>
  settings.workers > 0 ? openSharedPort(settings, folder, log) : openOwnPort(settings, log)

async function openOwnPort({ host, port, tls }: Settings, log: Logger): Promise<Port> {
  await using stack = new AsyncDisposableStack()
  const edges: Edge[] = []
  const hold = (edge: Edge) => {
    edges.push(edge)
    stack.defer(() => edge.close(0))
  }
  hold(await listen(host, port))
  if (tls) {
    const certificates = stack.use(await openCertificates(tls.files, { observe: observer(log, 'tls') }))
    hold(await listen(tls.host ?? host, tls.port, certificates))
  }
  const owned = stack.move()
  return {
    async close(milliseconds) {
      await Promise.all(edges.map(edge => edge.close(milliseconds)))
      await owned.disposeAsync()
    },
    async open(options) {
      const { journals, settings, clock, log } = options
      const opened = await openGateway({
        ...options,
        gateways: () => 1,
        journal: () =>
          openJournal({
            folder: journals,
            sync: settings.journalSync,
            clock: clock.now,
            observe: observer(log, 'journal'),
          }),
      })
      return {
        workers: [],
        problems: [],
        snapshots: [opened.snapshot],
        gather: () => Promise.resolve(),
        metrics: () => opened.metrics(edges.reduce((sum, { connections }) => sum + connections, 0)),
        explain: ask => opened.gateway.explain(ask),
        serve(control) {
          for (const edge of edges) edge.serve({ gateway: opened.gateway, control })
        },
        drain: seconds => opened.gateway.drain(seconds),
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      }
    },
  }
}
