// Who hears what a gateway says: the log, the access log, a collector, and the folder of captures.
import { join } from 'node:path'
import type { Follow, Follower, GatewayObservation } from '@switchyard/gateway'
import type { Clock, Observe, Random } from '@switchyard/runtime'
import type { Logger } from 'pino'
import { accessLog } from './access-log.ts'
import { openCapture } from './capture.ts'
import { observer } from './log.ts'
import { startTelemetry } from './telemetry.ts'
import type { TelemetrySettings } from './telemetry-settings.ts'
import { version } from './version.ts'

export interface ObservingOptions {
  readonly settings: TelemetrySettings
  /** The data folder. */
  readonly data: string
  readonly log: Logger
  readonly clock: Clock
  readonly random: Random
}

/** For `createGateway`. Disposing sends and writes what is left: after the gateway, whose last words it hears. */
export interface Observing extends AsyncDisposable {
  readonly observe: Observe<GatewayObservation>
  /** Undefined where no bytes are wanted. */
  readonly follow: Follow | undefined
}

export async function observeGateway(options: ObservingOptions): Promise<Observing> {
  const { settings, data, log, clock, random } = options
  await using stack = new AsyncDisposableStack()
  const say = observer(log, 'gateway')
  const tell = accessLog(log, { ...settings.accessLog, random: random.fraction })
  const capture =
    settings.capture &&
    stack.use(
      await openCapture({
        ...settings.capture,
        folder: join(data, 'captures'),
        clock,
        random: random.fraction,
        observe: observer(log, 'capture'),
      }),
    )
  const telemetry =
    settings.collector &&
    stack.use(
      startTelemetry({
        ...settings.collector,
        resource: {
          ...settings.collector.resource,
          'service.version': version,
          'service.instance.id': random.id(),
        },
        version,
        clock,
        random: random.fraction,
        bytes: size => crypto.getRandomValues(new Uint8Array(size)),
        observe: observer(log, 'telemetry'),
      }),
    )
  const owned = stack.move()
  return {
    observe(observation) {
      if (observation.type !== 'request_ended') {
        say(observation)
        return
      }
      tell(observation)
      telemetry?.ended(observation)
      void capture?.ended(observation) // it never rejects
    },
    follow: both(capture?.follow, telemetry?.follow),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function both(one: Follow | undefined, other: Follow | undefined): Follow | undefined {
  if (!one || !other) return one ?? other
  return asked => {
    const [first, second] = [one(asked), other(asked)]
    if (!first || !second) return first ?? second
    return {
      left(bytes) {
        first.left(bytes)
        second.left(bytes)
      },
    } satisfies Follower
  }
}
