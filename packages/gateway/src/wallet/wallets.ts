// The accounts that requests of this gateway draw on, each kept as long as it is used.
import { type Balances, keepSliceEveryMs, type Observe, type Payer } from '@switchyard/runtime'
import type { Purse } from './counted.ts'
import { type Hold, Wallet } from './wallet.ts'

export interface WalletsOptions {
  readonly balances: Balances
  /** Milliseconds that do not go back. */
  readonly monotonic: () => number
  /** Milliseconds that a request waits for money at most, default 50. */
  readonly waitMs?: number | undefined
  readonly observe: Observe<WalletObservation>
}

/** What is leased of an account could not be kept: once it lapses, requests that it pays for are refused. */
export interface WalletObservation {
  readonly type: 'balance_not_kept'
  readonly workspace: string
  readonly project: string
  readonly error: unknown
}

interface Kept {
  readonly payer: Payer
  readonly purse: Purse | undefined
  readonly wallet: Wallet
}

export class Wallets {
  readonly #options: WalletsOptions
  readonly #wallets = new Map<string, Kept>()
  readonly #timer: NodeJS.Timeout

  constructor(options: WalletsOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.keep(), keepSliceEveryMs).unref()
  }

  /** As Wallet.hold; `purse` is what its account counts for in `leased`. */
  hold(payer: Payer, request: string, amount: bigint, lend: bigint, purse?: Purse): Hold | Promise<Hold> {
    const key = `${payer.workspace}/${payer.project}`
    let known = this.#wallets.get(key)
    if (!known) {
      const { balances, monotonic, waitMs = 50 } = this.#options
      known = { payer, purse, wallet: new Wallet(payer, { balances, monotonic, waitMs }) }
      this.#wallets.set(key, known)
    }
    return known.wallet.hold(request, amount, lend)
  }

  /** What is leased of accounts, and how much of that requests hold now. */
  *leased(): Generator<{ readonly purse: Purse; readonly leased: bigint; readonly held: bigint }> {
    for (const { purse, wallet } of this.#wallets.values()) if (purse) yield { purse, ...wallet.sums }
  }

  /** Gives back all that is free. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#each(wallet => wallet.close())
  }

  /** Renews what is leased, and gives back what is not needed. */
  async keep(): Promise<void> {
    for (const [key, { wallet }] of this.#wallets) if (wallet.idle) this.#wallets.delete(key)
    await this.#each(wallet => wallet.keep())
  }

  async #each(act: (wallet: Wallet) => Promise<void>): Promise<void> {
    await Promise.all(
      [...this.#wallets.values()].map(({ payer: { workspace, project }, wallet }) =>
        act(wallet).catch((error: unknown) =>
          this.#options.observe({ type: 'balance_not_kept', workspace, project, error }),
        ),
      ),
    )
  }
}
