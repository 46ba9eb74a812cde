// Connections of a gateway to PostgreSQL, for what stands in the way of a request: each call is one function of the
// database as the gateway's role, and has a time limit.
import { Fault } from '@switchyard/kinds'
import { Pool } from 'pg'

export interface GatewayPoolOptions {
  readonly url: string
  /** As the database lists it. */
  readonly name: string
  /** Connections at most. */
  readonly connections: number
  /** Milliseconds that a call may take, waiting for a connection included. */
  readonly timeoutMs: number
  /** Further settings of its sessions, `name=value`. */
  readonly settings?: readonly string[]
  /** What is said to callers when it does not answer: `unavailable`, to be tried again in a second. */
  readonly refusal: { readonly message: string; readonly reason: string }
  readonly lost: (error: Error) => void
}

export interface GatewayPool extends AsyncDisposable {
  /** The first row, of a statement that is prepared under its name; the `refusal` when the database fails it. */
  ask<Row extends object>(name: string, text: string, values: unknown[]): Promise<Row>
}

/** The new owner disposes of it. Connects with the first use. */
export function openGatewayPool(options: GatewayPoolOptions): GatewayPool {
  const { url, name, connections, timeoutMs, settings = [], refusal, lost } = options
  const pool = new Pool({
    connectionString: url,
    application_name: name,
    max: connections,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    options: [
      'role=switchyard_gateway',
      'search_path=switchyard,pg_temp',
      'jit=off',
      `statement_timeout=${timeoutMs}`,
      ...settings,
    ]
      .map(setting => `-c ${setting}`)
      .join(' '),
  })
  pool.on('error', lost)
  let closing: Promise<void> | undefined
  return {
    async ask<Row extends object>(name: string, text: string, values: unknown[]) {
      try {
        const { rows } = await pool.query<Row>({ name, text, values })
        const [row] = rows
        if (!row) throw new TypeError(`${name} answered nothing`)
        return row
      } catch (cause) {
        const { message, reason } = refusal
        throw new Fault('unavailable', message, { reason, retryAfterSeconds: 1, cause })
      }
    },

    async [Symbol.asyncDispose]() {
      closing ??= pool.end()
      await closing
    },
  }
}
