// What one account may spend here: holds are drawn from a slice of it that this gateway leases, with nobody asked; near
// the end of the account, where every hold must see all of it, each is held by the database.
//
//   free = leased - spent - held      a hold passes while it fits
//
//   new ──lease──▶ slice ◀──keep──▶ row        none: nothing is billed; fenced: another process has our journal
import { Fault } from '@switchyard/kinds'
import { type Balances, type Payer, type SliceAnswer, sliceMs } from '@switchyard/runtime'

export interface WalletOptions {
  readonly balances: Balances
  /** Milliseconds that do not go back. */
  readonly monotonic: () => number
  /** Milliseconds that a request waits for money at most. */
  readonly waitMs: number
}

/** Money that is held for one request, until it is settled or given back, once. */
export interface Hold {
  /** As the journal writes it; undefined where nothing is held. */
  readonly from: string | undefined
  /** Holds more; false where there is no more. */
  extend(amount: bigint): boolean | Promise<boolean>
  /** The journal has it that the request has cost so much. */
  settle(actual: bigint): void
  /** No upstream has heard of the request. */
  void(): void
}

/** For what costs nothing to anybody. */
const nothingHeld: Hold = Object.freeze({
  from: undefined,
  extend: () => true,
  settle: () => undefined,
  void: () => undefined,
})

/** Where a hold is from that the database has for one request alone. */
const inRow = 'row'
/** A slice that nobody has used for so long is given back whole. */
const idleMs = 30_000
/** The first who asks of an account may have to wait for a connection too: so many times as long. */
const firstWaits = 20
const largest = (one: bigint, other: bigint) => (one > other ? one : other)
const smallest = (one: bigint, other: bigint) => (one > other ? other : one)

export class Wallet {
  readonly #options: WalletOptions
  readonly #payer: Payer
  #state: 'new' | SliceAnswer['said'] = 'new'
  #account = ''
  #slice = ''
  #leased = 0n
  #spent = 0n
  #held = 0n
  /** Holds that are open. */
  #open = 0
  #validUntil = 0
  #usedAt: number
  #flight: Promise<void> | undefined
  /** What those who wait would hold: all of them, and the most of one. */
  #wanted = 0n
  #need = 0n
  /** Drawn since the last look, and about as much in five seconds. */
  #drawn = 0n
  #burn = 0n
  #estimate = 0n
  #estimateBefore = 0n
  /** Was let in while balances could not be read. */
  #lent = 0n
  readonly #unvoided = new Set<string>()

  constructor(payer: Payer, options: WalletOptions) {
    this.#payer = payer
    this.#options = options
    this.#usedAt = options.monotonic()
  }

  /** Nothing is held, leased or to be told any more. */
  get idle(): boolean {
    const quiet = this.#options.monotonic() - this.#usedAt >= idleMs
    return quiet && this.#open === 0 && this.#free <= 0n && !this.#flight && this.#unvoided.size === 0
  }

  /** What is leased and not spent, and how much of it requests hold now. */
  get sums(): { readonly leased: bigint; readonly held: bigint } {
    return { leased: this.#leased - this.#spent, held: this.#held }
  }

  /**
   * Holds so much, at once where the slice has it. Throws or rejects with `exhausted` (`insufficient_quota`) where the
   * account has not, `unavailable` where that cannot be known; `lend` is what may be let in then.
   */
  hold(request: string, amount: bigint, lend: bigint): Hold | Promise<Hold> {
    this.#usedAt = this.#options.monotonic()
    if (amount > this.#estimate) this.#estimate = amount
    if (this.#take(amount)) return this.#opened(request, amount, 0n, this.#slice)
    if (this.#state === 'none') return nothingHeld
    return this.#holdLate(request, amount, lend)
  }

  /** Renews what is leased, and gives back what is not needed. */
  async keep(): Promise<void> {
    this.#burn = largest(this.#drawn, this.#burn / 2n)
    this.#drawn = 0n
    const estimate = largest(this.#estimate, this.#estimateBefore)
    this.#estimateBefore = this.#estimate
    this.#estimate = this.#open > 0 || this.#burn > 0n ? estimate : 0n
    for (const request of this.#unvoided) void this.#void(request)
    await this.#flight?.catch(() => undefined) // whoever waited for it was told
    const quiet = this.#options.monotonic() - this.#usedAt >= idleMs
    await this.#ask(quiet ? largest(0n, this.#free) : 0n, quiet ? 0n : 1n)
  }

  /** Gives back all that is free. */
  async close(): Promise<void> {
    await this.#flight?.catch(() => undefined) // whoever waited for it was told
    if (this.#free > 0n) await this.#ask(this.#free, 0n)
  }

  get #free(): bigint {
    return this.#leased - this.#spent - this.#held
  }

  #take(amount: bigint): boolean {
    if (this.#state !== 'slice' || this.#free < amount) return false
    if (this.#options.monotonic() >= this.#validUntil) return false
    this.#held += amount
    return true
  }

  #opened(request: string, sliced: bigint, rowed: bigint, from: string): Hold {
    this.#open++
    return new Held(
      {
        extend: (amount, late) => {
          // The journal has it that the database holds for it: no slice pays any of it.
          if (from !== inRow && this.#take(amount)) return 'slice'
          return this.#more(request, amount, from, late)
        },
        settle: (held, spent) => {
          this.#open--
          this.#held -= held
          this.#spent += spent
          this.#drawn += spent
        },
        giveBack: held => {
          this.#held -= held
        },
        void: (held, rows) => {
          this.#open--
          this.#held -= held
          if (rows) void this.#void(request)
        },
      },
      { sliced, rowed, from },
    )
  }

  async #holdLate(request: string, amount: bigint, lend: bigint): Promise<Hold> {
    try {
      const from = await this.#draw(request, amount, nobodyTakes)
      if (from === 'none') return nothingHeld
      return from === 'slice'
        ? this.#opened(request, amount, 0n, this.#slice)
        : this.#opened(request, 0n, amount, inRow)
    } catch (error) {
      const away = error instanceof Fault && error.reason === 'balance_unavailable'
      if (!away || this.#lent + amount > lend) throw error
      this.#lent += amount
      return nothingHeld
    }
  }

  async #more(
    request: string,
    amount: bigint,
    begun: string,
    late: Late,
  ): Promise<'slice' | 'row' | undefined> {
    const { monotonic, waitMs } = this.#options
    try {
      if (begun === inRow) return await this.#drawRow(request, amount, monotonic() + waitMs, late)
      const from = await this.#draw(request, amount, late)
      return from === 'none' ? undefined : from
    } catch (error) {
      if (error instanceof Fault) return undefined
      throw error
    }
  }

  /** Holds so much, wherever it comes from. */
  async #draw(request: string, amount: bigint, late: Late): Promise<'slice' | 'row' | 'none'> {
    const { monotonic, waitMs } = this.#options
    const until = monotonic() + (this.#state === 'new' ? firstWaits * waitMs : waitMs)
    this.#wanted += amount
    if (amount > this.#need) this.#need = amount
    try {
      for (;;) {
        if (this.#state === 'row') return await this.#drawRow(request, amount, until, late)
        await within(this.#flight ?? this.#ask(0n, 1n), until - monotonic())
        if (this.#take(amount)) return 'slice'
        if (this.#state === 'none') return 'none'
        if (this.#state === 'fenced') throw fenced()
        if (monotonic() >= until) throw slow()
      }
    } finally {
      this.#wanted -= amount
      if (this.#wanted === 0n) this.#need = 0n
    }
  }

  async #drawRow(request: string, amount: bigint, until: number, late: Late): Promise<'row'> {
    const { balances, monotonic } = this.#options
    let isLate = false
    const asked = balances.hold(request, this.#account, amount).then(said => {
      // Nobody waits for it any more.
      if (isLate && said === 'held' && !late(amount)) void this.#void(request)
      return said
    })
    try {
      const said = await within(asked, until - monotonic())
      if (said === 'fenced') throw fenced()
      if (said === 'short') throw short()
      return 'row'
    } catch (error) {
      isLate = true
      throw error
    }
  }

  /** `least` is asked for whatever was used: with 0 nothing is leased. */
  #ask(back: bigint, least: bigint): Promise<void> {
    const { balances, monotonic } = this.#options
    const sentAt = monotonic()
    this.#leased -= back
    const flight = balances
      .lease({
        ...this.#payer,
        need: this.#need,
        burn: least === 0n ? 0n : largest(least, largest(this.#burn, this.#wanted)),
        free: largest(0n, this.#free),
        back,
        estimate: largest(this.#estimate, this.#estimateBefore),
      })
      .then(answer => this.#answered(answer, sentAt))
      .finally(() => {
        if (this.#flight === flight) this.#flight = undefined
      })
    this.#flight = flight
    return flight.then(() => this.#giveBack())
  }

  #answered(answer: SliceAnswer, sentAt: number): void {
    this.#state = answer.said
    if (answer.said === 'none' || answer.said === 'fenced') return
    this.#account = answer.account
    this.#slice = answer.slice ?? ''
    this.#leased = answer.amount
    this.#validUntil = sentAt + sliceMs
    this.#lent = 0n
    this.#surplus = this.#free - answer.target
    // Small changes are not worth a question.
    if (answer.said === 'slice' && this.#surplus * 4n < answer.target) this.#surplus = 0n
  }

  #surplus = 0n

  /** What is not needed goes back: nothing is held from it from now on. */
  #giveBack(): void {
    const surplus = smallest(this.#surplus, this.#free)
    this.#surplus = 0n
    if (surplus > 0n && !this.#flight) this.#ask(surplus, 1n).catch(() => undefined) // the next look tells how it stands
  }

  async #void(request: string): Promise<void> {
    this.#unvoided.add(request)
    try {
      await this.#options.balances.void(request)
      this.#unvoided.delete(request)
    } catch (error) {
      // Tried again with the next look; a gateway that ends before that is recovered from its journal.
      if (!(error instanceof Fault)) throw error
    }
  }
}

/** Of what the database holds after nobody waited for it any more: whether it belongs to what is held already. */
type Late = (amount: bigint) => boolean

const nobodyTakes: Late = () => false

interface Source {
  extend(amount: bigint, late: Late): 'slice' | Promise<'slice' | 'row' | undefined>
  settle(held: bigint, spent: bigint): void
  /** What came too late. */
  giveBack(held: bigint): void
  void(held: bigint, rows: boolean): void
}

class Held implements Hold {
  readonly from: string
  readonly #source: Source
  #sliced: bigint
  /** Of it held by the database, which pays first. */
  #rowed: bigint
  #over = false

  constructor(source: Source, { sliced, rowed, from }: { sliced: bigint; rowed: bigint; from: string }) {
    this.#source = source
    this.#sliced = sliced
    this.#rowed = rowed
    this.from = from
  }

  extend(amount: bigint): boolean | Promise<boolean> {
    const from = this.#source.extend(amount, this.#late)
    if (from instanceof Promise) return from.then(late => this.#extended(late, amount))
    return this.#extended(from, amount)
  }

  /** The database has one hold for a request: it is settled, or given back, as a whole. */
  readonly #late: Late = amount => {
    if (this.#over) return this.#rowed > 0n
    this.#rowed += amount
    return true
  }

  #extended(from: 'slice' | 'row' | undefined, amount: bigint): boolean {
    if (from === 'slice') {
      // What comes after the end goes back at once.
      if (this.#over) {
        this.#source.giveBack(amount)
        return false
      }
      this.#sliced += amount
    } else if (from === 'row') this.#rowed += amount
    return from !== undefined
  }

  settle(actual: bigint): void {
    if (this.#over) return
    // What costs nothing need not wait until that is known everywhere.
    if (actual === 0n) {
      this.void()
      return
    }
    this.#over = true
    const drawn = this.from === inRow ? 0n : largest(0n, actual - this.#rowed)
    this.#source.settle(this.#sliced, drawn)
  }

  void(): void {
    if (this.#over) return
    this.#over = true
    this.#source.void(this.#sliced, this.#rowed > 0n)
  }
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(slow()), Math.max(0, milliseconds))
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

const short = () =>
  new Fault(
    'exhausted',
    'What the balance has left is less than the request may cost: ask for less output, or its administrator to pay in.',
    { reason: 'insufficient_quota' },
  )

const slow = () =>
  new Fault('unavailable', 'The balance cannot be read right now: try again in a moment.', {
    reason: 'balance_unavailable',
    retryAfterSeconds: 1,
  })

const fenced = () =>
  new Fault('unavailable', 'Another process has taken over the journal of this gateway.', {
    reason: 'gateway_fenced',
    retryAfterSeconds: 5,
  })
