// Balances in PostgreSQL: one function call for each step. The database must be migrated; connections work as the
// gateway's role.
import { decimalOf, formatDecimal } from '@switchyard/kinds'
import { type Balances, type Holder, type SliceAnswer, sliceMs } from '@switchyard/runtime'
import { openGatewayPool } from '../gateway-pool.ts'

export interface PostgresBalancesOptions {
  readonly url: string
  /** What is held is held by it. */
  readonly holder: Holder
  /** Connections at most, default 4. */
  readonly connections?: number
  /** Milliseconds that a call may take, waiting for a connection included; default 2 000. */
  readonly timeoutMs?: number
  /** Milliseconds for which a slice is kept, default 30 000. */
  readonly sliceMs?: number
  /** Milliseconds after which a hold for one request that was not settled is looked into, default 660 000. */
  readonly holdMs?: number
  readonly observe?: (observation: PostgresBalancesObservation) => void
}

export interface PostgresBalancesObservation {
  readonly type: 'balances_connection_lost'
  readonly error: Error
}

interface Leased {
  readonly said: SliceAnswer['said']
  readonly account: string
  readonly slice: string | null
  readonly amount: string | null
  readonly remaining: string
  readonly target: string
}

const leaseText = `select said, account, slice, amount, remaining, target
  from lease_slice($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
const holdText = 'select said from hold_money($1, $2, $3, $4, $5, $6)'
const voidText = 'select void_hold($1)'

/** The new owner disposes of it. Connects with the first use. */
export function openPostgresBalances(options: PostgresBalancesOptions): Balances {
  const { url, holder, connections = 4, timeoutMs = 2000, holdMs = 660_000, observe = () => {} } = options
  const seconds = (options.sliceMs ?? sliceMs) / 1000
  const { journal, epoch } = holder
  const pool = openGatewayPool({
    url,
    name: 'switchyard-balances',
    connections,
    timeoutMs,
    refusal: {
      message: 'The balance cannot be read right now: try again in a moment.',
      reason: 'balance_unavailable',
    },
    lost: error => observe({ type: 'balances_connection_lost', error }),
  })

  return {
    async lease({ workspace, project, need, burn, free, back, estimate }) {
      const amounts = [need, burn, free, back, estimate].map(formatDecimal)
      const values = [workspace, project, journal, epoch, ...amounts, seconds]
      const row = await pool.ask<Leased>('lease_slice', leaseText, values)
      if (row.said === 'none' || row.said === 'fenced') return { said: row.said }
      return {
        said: row.said,
        account: row.account,
        slice: row.slice ?? undefined,
        amount: decimalOf(row.amount ?? '0'),
        remaining: decimalOf(row.remaining),
        target: decimalOf(row.target),
      }
    },

    async hold(request, account, amount) {
      const values = [request, account, journal, epoch, formatDecimal(amount), holdMs / 1000]
      const { said } = await pool.ask<{ said: 'held' | 'short' | 'fenced' }>('hold_money', holdText, values)
      return said
    },

    async void(request) {
      await pool.ask('void_hold', voidText, [request])
    },

    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}
