// Where the limits of a gateway process are counted, and what it does while they are out of reach.
import { join } from 'node:path'
import {
  type LimiterObservation,
  type LossPolicy,
  openLayeredLimiter,
} from '@switchyard/drivers/limits/layered'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { openPostgresLimiter, type PostgresLimiterObservation } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter, type RedisLimiterObservation } from '@switchyard/drivers/limits/redis'
import type { Clock, Limiter, Observe, Random } from '@switchyard/runtime'
import { keepingSpent, type SpentObservation } from './limiter-spent.ts'
import type { LimiterPlace } from './settings.ts'

interface Options {
  readonly place: LimiterPlace
  /** While they are away. */
  readonly onLoss: LossPolicy
  readonly databaseUrl: string
  /** The data folder. */
  readonly data: string
  /** How many gateway processes live, this one included. */
  readonly gateways: () => number
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observe<
    LimiterObservation | PostgresLimiterObservation | RedisLimiterObservation | SpentObservation
  >
}

export interface OpenedLimiter {
  /** The new owner disposes of it. */
  readonly limiter: Limiter
  /** Whether the shared limits are away, and this process gives its own share. */
  readonly degraded: () => boolean
}

/** Connects with the first use: limits that cannot be reached keep no gateway from starting. */
export async function openLimiter(options: Options): Promise<OpenedLimiter> {
  const { place, onLoss, databaseUrl, data, gateways, clock, random, observe } = options
  if (place.type === 'memory') {
    const path = join(data, 'spent.json')
    const limiter = await keepingSpent(openMemoryLimiter({ clock }), { path, clock, observe })
    return { limiter, degraded: () => false }
  }
  let degraded = false
  const limiter = openLayeredLimiter({
    shared:
      place.type === 'redis'
        ? await openRedisLimiter({ url: place.url.reveal(), observe })
        : openPostgresLimiter({ url: databaseUrl, observe }),
    // One round trip to a Redis beside us; a transaction that is written to disk.
    deadlineMs: place.type === 'redis' ? 50 : 250,
    onLoss,
    clock,
    id: random.id,
    gateways,
    observe(observation) {
      if (observation.type === 'limiter_degraded') degraded = true
      if (observation.type === 'limiter_recovered') degraded = false
      observe(observation)
    },
  })
  return { limiter, degraded: () => degraded }
}
