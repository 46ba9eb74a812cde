// Keeps what was asked and answered, of some requests, for people who look into them: only where a setting says so,
// with words and personal data taken out, of bounded size, and for bounded time.
import { type Follow, type Followed, type Follower, type RequestEnded, redactor } from '@switchyard/gateway'
import { type Clock, keepTurns, type Observe } from '@switchyard/runtime'
import { CaptureFolder } from './capture-folder.ts'
import type { CaptureSettings } from './capture-settings.ts'
import { type Json, readCaptured, textsOf, withTexts } from './capture-text.ts'

export type CaptureObservation =
  | { readonly type: 'captures_swept'; readonly days: readonly string[]; readonly bytes: number }
  | { readonly type: 'capture_failed'; readonly request: string; readonly error: unknown }
  | { readonly type: 'captures_sweep_failed'; readonly error: unknown }

export interface CaptureOptions extends CaptureSettings {
  readonly folder: string
  readonly clock: Clock
  /** From 0 up to 1. */
  readonly random: () => number
  readonly observe: Observe<CaptureObservation>
}

export interface Capture extends AsyncDisposable {
  readonly follow: Follow
  /** Resolves when the request is on disk, where it is one that is kept. */
  ended(request: RequestEnded): Promise<void>
}

/** Requests that are followed, or being written, at one time. */
const mostAtOnce = 64
const sweepEvery = 3_600_000

/** Bytes of an answer up to a bound. */
class Copy implements Follower {
  readonly asked: Followed['ask']
  readonly #parts: Buffer[] = []
  readonly #most: number
  bytes = 0

  constructor(asked: Followed['ask'], most: number) {
    this.asked = asked
    this.#most = most
  }

  left(bytes: Buffer | string): void {
    this.bytes += bytes.length
    // A copy: the bytes lie in memory that is used again.
    if (this.bytes <= this.#most) this.#parts.push(Buffer.from(bytes as Buffer)) // either of the two is copied
  }

  get whole(): Buffer | undefined {
    return this.bytes <= this.#most ? Buffer.concat(this.#parts) : undefined
  }
}

export async function openCapture(options: CaptureOptions): Promise<Capture> {
  const { routes, ratio, bytes, random, clock, observe } = options
  const folder = new CaptureFolder({
    folder: options.folder,
    days: options.days,
    mostBytes: options.megabytes * 1024 * 1024,
    now: () => clock.now(),
  })
  const redact = redactor(options.words, options.pii)
  const copies = new Map<string, Copy>()
  const writing = new Set<Promise<void>>()

  const sweep = async () => {
    const days = await folder.sweep()
    if (days.length > 0) observe({ type: 'captures_swept', days, bytes: folder.bytes })
    return undefined
  }
  const failed = (error: unknown) => observe({ type: 'captures_sweep_failed', error })
  await sweep().catch(failed)
  const sweeping = keepTurns({ turn: sweep, failed, first: sweepEvery, pause: sweepEvery, clock })

  const shown = async (body: Buffer | undefined, size: number): Promise<object> => {
    if (!body) return { bytes: size, leftOut: `longer than ${bytes} bytes` }
    const value = readCaptured(body)
    if (value === undefined) return { bytes: size, leftOut: 'no JSON' }
    return { bytes: size, body: await cleaned(value) }
  }
  const cleaned = async (value: Json): Promise<Json> => withTexts(value, await redact(textsOf(value)))

  const write = async (request: RequestEnded, copy: Copy): Promise<void> => {
    try {
      const { bytes: asked } = copy.asked
      const ask = await shown(asked.length <= bytes ? asked : undefined, asked.length)
      const answer = await shown(copy.whole, copy.bytes)
      await folder.write(request.request, `${JSON.stringify({ ...about(request), ask, answer }, null, 1)}\n`)
    } catch (error) {
      observe({ type: 'capture_failed', request: request.request, error })
    }
  }

  return {
    follow({ request, route, ask }) {
      if (!routes.some(form => form.test(route)) || random() >= ratio) return undefined
      if (copies.size + writing.size >= mostAtOnce || folder.full) return undefined
      const copy = new Copy(ask, bytes)
      copies.set(request, copy)
      return copy
    },
    ended(request) {
      const copy = copies.get(request.request)
      if (!copy) return Promise.resolve()
      copies.delete(request.request)
      const written = write(request, copy).finally(() => writing.delete(written))
      writing.add(written)
      return written
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([sweeping[Symbol.asyncDispose](), ...writing])
    },
  }
}

function about(request: RequestEnded): object {
  const { key, workspace, route, model, caller, operation, streamed, status, end, milliseconds } = request
  const at = new Date(request.startedAt).toISOString()
  const which = { request: request.request, at, key, workspace, route, model }
  return { ...which, dialect: caller, operation, streamed, status, end, milliseconds }
}
