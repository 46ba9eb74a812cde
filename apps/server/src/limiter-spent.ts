// What was spent of limits that are counted in memory outlives the process: a file, written within a second of each
// change. Rates and seats are not in it: they would be full again before anybody missed them.
import { readFile, rename, writeFile } from 'node:fs/promises'
import type { MemoryLimiter } from '@switchyard/drivers/limits/memory'
import { type Booking, type Bucket, type Clock, type Observe, quotaBucket } from '@switchyard/runtime'
import { z } from 'zod'

export type SpentObservation =
  | { readonly type: 'spent_not_read'; readonly path: string; readonly error: unknown }
  | { readonly type: 'spent_not_written'; readonly path: string; readonly error: unknown }

interface Options {
  readonly path: string
  readonly clock: Pick<Clock, 'now'>
  readonly observe: Observe<SpentObservation>
}

const everyMilliseconds = 1000

const whole = z.number().int().min(0)
const spentSchema = z.strictObject({
  version: z.literal(1),
  spent: z.array(
    z.strictObject({
      key: z.string(),
      level: z.enum(['platform', 'workspace', 'project', 'key', 'provider']),
      dimension: z.enum(['requests', 'input_tokens', 'output_tokens', 'tokens', 'money']),
      currency: z.string(),
      /** Units of the dimension, of money millionths. */
      limit: whole,
      spent: whole,
      /** Milliseconds since 1970; null is never. */
      resetsAt: whole.nullable(),
    }),
  ),
})
type Entry = z.infer<typeof spentSchema>['spent'][number]

/** The same limiter, with what its file tells booked; disposing of it writes the file. */
export async function keepingSpent(limiter: MemoryLimiter, options: Options): Promise<MemoryLimiter> {
  const { path, observe } = options
  let written = await restore(limiter, options)
  let writing = Promise.resolve()

  const write = async () => {
    const spent = limiter
      .spent()
      .map(entryOf)
      .filter(entry => entry !== undefined)
    const text = `${JSON.stringify({ version: 1, spent }, null, 1)}\n`
    if (text === written || (spent.length === 0 && written === '')) return
    try {
      const part = `${path}.part`
      await writeFile(part, text, { mode: 0o600, flush: true })
      await rename(part, path)
      written = text
    } catch (error) {
      observe({ type: 'spent_not_written', path, error })
    }
  }
  const timer = setInterval(() => {
    writing = writing.then(write)
  }, everyMilliseconds)
  timer.unref()
  return {
    ...limiter,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await writing
      await write()
      await limiter[Symbol.asyncDispose]()
    },
  }
}

/** The text of the file; '' where there is none that can be read. */
async function restore(limiter: MemoryLimiter, { path, clock, observe }: Options): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    const { spent } = spentSchema.parse(JSON.parse(text))
    const now = clock.now()
    limiter.book(
      'spent before this process',
      spent.filter(({ resetsAt }) => resetsAt === null || resetsAt > now).map(bookingOf),
    )
    return text
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!missing) observe({ type: 'spent_not_read', path, error })
    return ''
  }
}

function bookingOf({ key, level, dimension, currency, limit, spent, resetsAt }: Entry): Booking {
  const resetsAtMs = resetsAt ?? Number.POSITIVE_INFINITY
  const given = { key, level, dimension, limit: BigInt(limit), resetsAtMs }
  return { bucket: quotaBucket(currency === '' ? given : { ...given, currency }), by: spent }
}

function entryOf({ bucket, by }: Booking): Entry | undefined {
  if (!isQuota(bucket)) return undefined
  const { key, level, dimension, currency, bound, resetsAtMs } = bucket
  const resetsAt = Number.isFinite(resetsAtMs) ? resetsAtMs : null
  return { key, level, dimension, currency, limit: bound, spent: by, resetsAt }
}

const isQuota = (bucket: Bucket): bucket is Extract<Bucket, { type: 'quota' }> => bucket.type === 'quota'
