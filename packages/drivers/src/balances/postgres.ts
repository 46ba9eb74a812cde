// Balances in PostgreSQL: one function call for each step. The database must be migrated; connections work as the
// gateway's role.
import { Fault, formatDecimal, parseDecimal } from '@switchyard/kinds'
import { type Balances, type Holder, type SliceAnswer, sliceMs } from '@switchyard/runtime'
import { Pool } from 'pg'

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
  const pool = new Pool({
    connectionString: url,
    application_name: 'switchyard-balances',
    max: connections,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    options: [
      'role=switchyard_gateway',
      'search_path=switchyard,pg_temp',
      'jit=off',
      `statement_timeout=${timeoutMs}`,
    ]
      .map(setting => `-c ${setting}`)
      .join(' '),
  })
  pool.on('error', error => observe({ type: 'balances_connection_lost', error }))
  let closing: Promise<void> | undefined

  async function ask<Row extends object>(name: string, text: string, values: unknown[]): Promise<Row> {
    try {
      const { rows } = await pool.query<Row>({ name, text, values })
      const [row] = rows
      if (!row) throw new TypeError(`${name} answered nothing`)
      return row
    } catch (cause) {
      throw new Fault('unavailable', 'The balance cannot be read right now: try again in a moment.', {
        reason: 'balance_unavailable',
        retryAfterSeconds: 1,
        cause,
      })
    }
  }

  return {
    async lease({ workspace, project, need, burn, free, back, estimate }) {
      const amounts = [need, burn, free, back, estimate].map(formatDecimal)
      const values = [workspace, project, journal, epoch, ...amounts, seconds]
      const row = await ask<Leased>('lease_slice', leaseText, values)
      if (row.said === 'none' || row.said === 'fenced') return { said: row.said }
      return {
        said: row.said,
        account: row.account,
        slice: row.slice ?? undefined,
        amount: amountOf(row.amount ?? '0'),
        remaining: amountOf(row.remaining),
        target: amountOf(row.target),
      }
    },

    async hold(request, account, amount) {
      const values = [request, account, journal, epoch, formatDecimal(amount), holdMs / 1000]
      const { said } = await ask<{ said: 'held' | 'short' | 'fenced' }>('hold_money', holdText, values)
      return said
    },

    async void(request) {
      await ask('void_hold', voidText, [request])
    },

    async [Symbol.asyncDispose]() {
      closing ??= pool.end()
      await closing
    },
  }
}

/** PostgreSQL's numeric as text. */
function amountOf(text: string): bigint {
  const amount = parseDecimal(text.replace('-', ''))
  if (amount === undefined) throw new TypeError(`this is no amount: ${text}`)
  return text.startsWith('-') ? -amount : amount
}
