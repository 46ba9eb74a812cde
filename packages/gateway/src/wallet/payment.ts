// What one request pays out of a balance: the most that it may cost is held before it is sent, and what the journal says
// that it has cost is settled, once.
import type { Operation, Usage } from '@switchyard/dialects'
import { Fault, parseDecimal } from '@switchyard/kinds'
import type { Bounds } from '@switchyard/ledger'
import type { Admission, Ended } from '@switchyard/runtime'
import { type Bill, billFor } from '../bill.ts'
import type { House } from '../house.ts'
import type { Principal } from '../snapshot.ts'
import type { Billing } from './billing.ts'
import { counted, countRefusal } from './counted.ts'
import { type Ending, partsOf, withInput } from './parts.ts'
import { Stretches, stretchTokens } from './stretches.ts'
import type { Hold } from './wallet.ts'

/** Of 10^-12 of a currency, in which balances are kept. */
const micro = 1_000_000n

export interface Paid {
  readonly request: string
  readonly principal: Pick<Principal, 'billing' | 'currency' | 'workspace'>
  readonly operation: Operation
  /** Public name of the model. */
  readonly model: string
  /** Milliseconds since 1970: when the request came. */
  readonly at: number
  /** What it may use at most. */
  readonly bounds: Bounds
  /** Tokens of output of a stream that may end before that: it is held for in stretches. */
  readonly streamed?: { readonly most: number; readonly n: number } | undefined
}

/** Undefined where nothing is billed. Throws or rejects where it is refused. */
export function pay(house: House, paid: Paid): Payment | Promise<Payment> | undefined {
  const { billing, currency } = paid.principal
  if (!billing) return undefined
  const { streamed, bounds } = paid
  const stretch = streamed ? stretchTokens * streamed.n : 0
  const first = streamed ? Math.min(streamed.most, stretch) : 0
  const bill = billFor(
    house,
    [currency],
    { ...paid, workspace: paid.principal.workspace },
    streamed ? { ...bounds, 'tok.out.*': BigInt(first) } : bounds,
  )
  if (bill.free) return undefined
  const { wallets } = house
  if (!wallets) throw away()
  const { payer, purse, lend } = billing
  const { money } = house.metrics
  const amount = amountOf(bill, currency)
  const made = (held: Hold) => {
    const hold = counted(held, amount, purse, money)
    return new Payment(house, { paid, billing, bill, hold, first, stretch })
  }
  const refused = (error: unknown) => countRefusal(error, purse, money)
  try {
    const held = wallets.hold(payer, paid.request, amount, lend, purse)
    return held instanceof Promise ? held.then(made, refused) : made(held)
  } catch (error) {
    return refused(error)
  }
}

const amountOf = (bill: Bill, currency: string) => (bill.reserved[currency] ?? 0n) * micro

interface Made {
  readonly paid: Paid
  readonly billing: Billing
  readonly bill: Bill
  readonly hold: Hold
  /** Tokens of a stream that are held for, and of each further stretch. */
  readonly first: number
  readonly stretch: number
}

export class Payment {
  /** Of a stream. */
  readonly stretches: Stretches | undefined
  readonly #house: House
  readonly #made: Made
  #journalled = false

  constructor(house: House, made: Made) {
    this.#house = house
    this.#made = made
    const { hold, paid, bill, first, stretch } = made
    const most = paid.streamed?.most ?? 0
    const price = (bill.most({ 'tok.out.*': BigInt(stretch) })[paid.principal.currency] ?? 0n) * micro
    if (most > first) this.stretches = new Stretches({ hold, reserved: first, most, stretch, price })
  }

  /** The admission as the journal is to know it. */
  admitted(admission: Admission): Admission {
    const { from } = this.#made.hold
    return from === undefined ? admission : { ...admission, hold: from }
  }

  /** Writes down how it has ended; with that it is settled. */
  async journal(admitted: Admission, ending: Ending): Promise<void> {
    this.#journalled = true
    const parts = partsOf(ending, this.#made.billing.charge)
    await Promise.all(parts.map(ended => this.#house.journal.append({ kind: 'usage', admitted, ended })))
    this.#made.hold.settle(parts.reduce((sum, ended) => sum + this.#charged(ended), 0n))
  }

  /** How far it has come, as its caller would pay for it should this gateway be lost. */
  progress(ended: Ended, input: bigint): Ended {
    const usage = withInput(ended.usage, input)
    const [call] = partsOf(
      { ended: { ...ended, usage }, committed: true, accepted: true, input },
      this.#made.billing.charge,
    )
    return call ?? ended
  }

  /** Holds more for what it has used beyond what was held; false where there is no more. */
  reach(usage: Usage, region?: string): boolean | Promise<boolean> {
    const { hold, bill, paid } = this.#made
    const { currency } = paid.principal
    const more = (bill.charged(usage, region)[currency] ?? 0n) * micro
    return hold.extend(more)
  }

  /** Exactly what so much costs, as a decimal; undefined where it has no price. */
  quote(usage: Pick<Usage, 'quantities' | 'tier'>, region?: string): string | undefined {
    const { bill, paid } = this.#made
    return bill.quote(usage, paid.principal.currency, region)
  }

  /** Gives back what is held, unless the journal knows of its end: then that settles it, if need be after a restart. */
  release(): void {
    if (!this.#journalled) this.#made.hold.void()
  }

  #charged({ billable, usage, by }: Ended): bigint {
    if (billable === 'cost' || !usage) return 0n
    const quote = this.quote(usage, by?.region)
    if (quote !== undefined) return parseDecimal(quote) ?? 0n
    // What has no price goes on counting as what was held.
    const { bill, paid } = this.#made
    return amountOf(bill, paid.principal.currency)
  }
}

const away = () =>
  new Fault('unavailable', 'This gateway keeps no balances, and this workspace pays from one.', {
    reason: 'balance_unavailable',
    retryAfterSeconds: 5,
  })
