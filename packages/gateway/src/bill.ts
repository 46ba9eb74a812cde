// What a request costs under the limits of money above it: at its admission the most that it may, at its end what it
// has, both by the sale prices that held when it came.
import { type Ask, meters, type Operation, type Usage } from '@switchyard/dialects'
import { Fault, type ServiceTier } from '@switchyard/kinds'
import type { Bounds, Prices, Tariff } from '@switchyard/ledger'
import { type Amounts, type EndReason, type Moneys, noMoney } from '@switchyard/runtime'
import type { House } from './house.ts'

/** What is priced. */
export interface Item {
  readonly operation: Operation
  readonly workspace: string
  /** Public name of the model. */
  readonly model: string
  /** Milliseconds since 1970: when the request came. */
  readonly at: number
}

type Counted = Pick<Usage, 'quantities' | 'tier'>

/** Whether its caller pays for what a request has used. */
export const pays = {
  done: true,
  budget_cut: true,
  client_gone: true,
  caller_deadline: true,
  guard_blocked: true,
  gateway_lost: true,
  upstream_error: false,
  our_timeout: false,
  refused: false,
  drained: false,
} as const satisfies Record<EndReason, boolean>

export class Bill {
  readonly reserved: Moneys
  readonly #tariffs: readonly Tariff[]
  readonly #item: Item
  readonly #prices: Prices | undefined
  /** Of what is reserved the input. */
  readonly #input: Moneys

  /** The tariffs are of different currencies. */
  constructor(tariffs: readonly Tariff[], bounds: Bounds, item: Item, prices: Prices | undefined) {
    this.#tariffs = tariffs
    this.#item = item
    this.#prices = prices
    this.reserved = this.most(bounds)
    const { 'tok.in.*': input = 0n } = bounds
    this.#input = this.most({ 'tok.in.*': input })
  }

  /**
   * What no upstream has reported is taken for what was reserved: a caller who leaves early pays for the input all the
   * same.
   */
  settled(usage: Usage | undefined, end: EndReason, region?: string): Moneys {
    if (!pays[end]) return noMoney
    if (!usage) return end === 'done' ? this.reserved : this.#input
    const charged = this.charged(usage, region)
    return isWithoutInput(usage) ? this.#each(({ currency }) => sum(charged, this.#input, currency)) : charged
  }

  /** What is metered by nothing costs nothing. */
  get free(): boolean {
    return this.#tariffs.length === 0
  }

  /** The most that so much costs. */
  most(bounds: Bounds): Moneys {
    return this.#each(tariff => tariff.reserve(bounds))
  }

  /** Exactly what was used costs, as a decimal; undefined where that has no price in the currency. */
  quote({ quantities, tier }: Counted, currency: string, region?: string): string | undefined {
    const tariff = this.#tariffs.find(one => one.currency === currency)
    return tariff && this.#as(tariff, tier, region).quote(quantities)
  }

  charged({ quantities, tier }: Counted, region?: string): Moneys {
    return this.#each(
      tariff => this.#as(tariff, tier, region).charge(quantities) ?? this.reserved[tariff.currency] ?? 0n,
    )
  }

  /** The prices of how and where it was served, once that is known. */
  #as(tariff: Tariff, tier: ServiceTier | undefined, region: string | undefined): Tariff {
    if (tier === undefined && region === undefined) return tariff
    const { model, at, workspace } = this.#item
    const served = { workspace, tier: tier ?? 'standard', ...(region !== undefined && { region }) } as const
    return this.#prices?.sale(model, tariff.currency, at, served) ?? tariff
  }

  #each(amount: (tariff: Tariff) => bigint): Moneys {
    return Object.fromEntries(this.#tariffs.map(tariff => [tariff.currency, amount(tariff)]))
  }
}

/** Its output alone was counted here. */
const isWithoutInput = ({ flags, quantities, tier }: Usage): boolean =>
  tier !== 'cache' &&
  flags.includes('usage_missing') &&
  !Object.keys(quantities).some(unit => unit.startsWith('tok.in.'))

const sum = (one: Moneys, other: Moneys, currency: string) => (one[currency] ?? 0n) + (other[currency] ?? 0n)

/** The bill in those currencies. Throws `unpriced`. */
export function billFor(
  { snapshot, metrics }: Pick<House, 'snapshot' | 'metrics'>,
  currencies: readonly string[],
  item: Item,
  bounds: Bounds,
): Bill {
  const { prices } = snapshot()
  const tariffs = tariffsFor(currencies, item, prices)
  if (tariffs instanceof Fault) {
    metrics.unpriced()
    throw tariffs
  }
  return new Bill(tariffs, bounds, item, prices)
}

/** One for each currency; `unpriced` where something that the operation is metered by has no price in one of them. */
export function tariffsFor(
  currencies: readonly string[],
  { operation, workspace, model, at }: Item,
  prices: Prices | undefined,
): readonly Tariff[] | Fault {
  const { units } = meters[operation]
  const tariffs: Tariff[] = []
  // What is free of itself needs no price.
  if (units.length === 0) return tariffs
  for (const currency of currencies) {
    const tariff = prices?.sale(model, currency, at, { workspace })
    const lacking = tariff ? tariff.lacks(units) : units[0]
    if (!tariff || lacking !== undefined) return unpriced(model, currency, lacking)
    tariffs.push(tariff)
  }
  return tariffs
}

const unpriced = (model: string, currency: string, unit = '') =>
  new Fault(
    'unavailable',
    `'${model}' has no price in ${currency} for ${unit}, and what it costs is limited or paid for: ask the administrator to add one to a price book.`,
    { reason: 'unpriced', retryAfterSeconds: 60 },
  )

/** Bytes that a body is taken to have which does not say. */
const unknownBytes = 1024 * 1024

/** What an ask may use at most; `declared` are the bytes of a form that has not come whole, -1 where it does not say. */
export function boundsOf(ask: Ask, { inputTokens, outputTokens }: Amounts, declared: number): Bounds {
  const { asked, most } = meters[ask.operation]
  return {
    'tok.in.*': BigInt(inputTokens),
    'tok.out.*': BigInt(outputTokens),
    ...asked?.({ ask }),
    ...most?.({ ask, bytes: ask.bytes.length || (declared < 0 ? unknownBytes : declared) }),
  }
}
