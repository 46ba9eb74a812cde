// What accepted events have cost is posted to the accounts that pay, and what was held for them is resolved: in the
// transaction that takes the events, so that each is posted exactly once.
import { type BookVersion, type UsageEvent, type UsageUnit, usageUnits } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { readBooks } from './prices.ts'

/** What the ledger's prices tell of a sale. */
interface Prices {
  /** `at` in ms since 1970. */
  sale(
    model: string,
    currency: string,
    at: number,
    circumstances: { readonly workspace: string },
  ): { quote(quantities: Partial<Record<UsageUnit, bigint>>): string | undefined } | undefined
}

export type CompilePrices = (books: readonly BookVersion[]) => Prices

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

interface Payer {
  readonly workspace: string
  readonly currency: string
}

/** Of those workspaces the ones that pay, with what in. */
const paying = `
select name as workspace, spec ->> 'currency' as currency from resources
where kind = 'Workspace' and place = '' and name = any ($1)
  and (spec #>> '{billing,mode}' <> 'none' or spec #> '{billing,projects}' is not null)`

const bookState = `select version::text from price_state`

/** Settles events; keeps the prices of books as long as these stay as they are. */
export function settler(
  compile: CompilePrices,
): (client: PoolClient, events: readonly UsageEvent[]) => Promise<void> {
  let known: { readonly of: string; readonly prices: Prices } | undefined

  async function pricesNow(client: PoolClient): Promise<Prices> {
    const { rows } = await client.query<{ version: string }>(bookState)
    const of = rows[0]?.version ?? ''
    if (known?.of === of) return known.prices
    known = { of, prices: compile(await readBooks(client)) }
    return known.prices
  }

  return async (client, events) => {
    if (events.length === 0) return
    const { rows } = await client.query<Payer>({
      name: 'paying',
      text: paying,
      values: [[...new Set(events.map(({ data }) => data.workspace))]],
    })
    const currencies = new Map(rows.map(({ workspace, currency }) => [workspace, currency]))
    // What was held is resolved also where nobody pays any more.
    const theirs = events.filter(({ data }) => currencies.has(data.workspace) || data.hold !== undefined)
    if (theirs.length === 0) return
    const prices = await pricesNow(client)
    const charges = theirs
      .map(event => chargeOf(event, currencies.get(event.data.workspace) ?? '', prices))
      .filter(charge => charge !== undefined)
    if (charges.length > 0) await client.query('select settle_usage($1)', [JSON.stringify(charges)])
  }
}

/** Undefined where it has no price: what is held for it goes on counting. */
function chargeOf({ id, time, data }: UsageEvent, currency: string, prices: Prices): Charge | undefined {
  const { request, workspace, project, hold, model, billable, quantities } = data
  const amount =
    billable === 'cost' || currency === '' || Object.keys(quantities).length === 0
      ? '0'
      : prices.sale(model, currency, Date.parse(time), { workspace })?.quote(countsOf(quantities))
  if (amount === undefined) return undefined
  const slice = hold === undefined || hold === heldAlone ? null : hold
  return { id, request, workspace, project, slice, amount, currency, time }
}

/** As an event says that its money was held by the database, for it alone. */
const heldAlone = 'row'

function countsOf(quantities: UsageEvent['data']['quantities']): Partial<Record<UsageUnit, bigint>> {
  const counts: Partial<Record<UsageUnit, bigint>> = {}
  for (const unit of usageUnits) {
    const count = quantities[unit]
    if (count !== undefined) counts[unit] = BigInt(count)
  }
  return counts
}
