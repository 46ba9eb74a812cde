// What accepted events have cost is posted to the accounts that pay, and what was held for them is resolved: in the
// transaction that takes the events, so that each is posted exactly once.
import { formatDecimal } from '@switchyard/kinds'
import type { UsageEvent } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import type { Rating, Ratings } from './rate.ts'

/** What one event has cost its caller. */
interface Charge {
  readonly id: string
  readonly request: string
  readonly workspace: string
  readonly project: string | null
  /** Number of the slice that it was held in. */
  readonly slice: string | null
  /** Decimal. */
  readonly amount: string
  readonly currency: string
  readonly time: string
}

/** Amounts are those that the events were rated with. */
export async function settle(
  client: PoolClient,
  events: readonly UsageEvent[],
  ratings: Ratings,
): Promise<void> {
  // What was held is resolved also where nobody pays any more.
  const charges = events.flatMap(event => {
    // What costs us alone leaves what is held for the call to the call.
    if (event.data.billable === 'cost' && !event.id.endsWith(':call')) return []
    const rating = ratings.get(event)
    return rating?.pays || event.data.hold !== undefined ? [chargeOf(event, rating)] : []
  })
  if (charges.length > 0) await client.query('select settle_usage($1)', [JSON.stringify(charges)])
}

function chargeOf({ id, time, data }: UsageEvent, rating: Rating | undefined): Charge {
  const { request, workspace, project, hold } = data
  const amount = rating?.pays && rating.sale?.type === 'rated' ? rating.sale.amount : 0n
  const slice = hold === undefined || hold === heldAlone ? null : hold
  // What gets cheaper with the usage of a period may bring back more than the request costs: an invoice tells of that.
  const owed = formatDecimal(amount < 0n ? 0n : amount)
  return { id, request, workspace, project, slice, amount: owed, currency: rating?.currency ?? '', time }
}

/** As an event says that its money was held by the database, for it alone. */
const heldAlone = 'row'
