// Balances, their entries, and money that is brought.
import { Fault } from '@switchyard/kinds'
import type { Exchange } from './exchange.ts'
import { isRecord } from './values.ts'

/** Amounts are decimals as text, in the account's currency. */
export interface Balance {
  /** Null is the workspace. */
  readonly project: string | null
  readonly currency: string
  readonly kind: string
  readonly limit: string
  readonly balance: string
  readonly pending: string
  readonly sliced: string
  readonly available: string
  readonly overrun: string
  readonly credits: readonly {
    readonly cause: string
    readonly amount: string
    readonly remaining: string
    readonly priority: number
    readonly expiresAt: string | null
  }[]
}

export interface Entry {
  readonly transaction: string
  readonly at: string
  readonly cause: string
  readonly project: string | null
  readonly currency: string
  /** What the balance has gained. */
  readonly amount: string
  readonly against: string
  readonly reference: string
  readonly actor: string | null
  readonly reason: string | null
}

export interface EntriesQuery {
  readonly project?: string | undefined
  readonly limit?: number | undefined
  readonly before?: string | undefined
}

export interface MoneyOrder {
  readonly type: 'top_up' | 'grant' | 'withdrawal' | 'correction'
  readonly amount: string
  readonly project?: string | undefined
  readonly priority?: number | undefined
  readonly expiresAt?: string | undefined
  readonly reason?: string | undefined
}

function itemsOf<T>(body: unknown): readonly T[] {
  if (!isRecord(body) || !Array.isArray(body.items))
    throw new Fault('internal', 'The server answered with something else. Is it another version?')
  return body.items as readonly T[] // the API's own schema says so
}

export function balanceCalls(exchange: Exchange) {
  const at = (workspace: string) => `/api/v1/workspaces/${encodeURIComponent(workspace)}/balances`
  return {
    async balances(workspace: string): Promise<readonly Balance[]> {
      const { body } = await exchange.send({ method: 'GET', path: at(workspace) })
      return itemsOf(body)
    },
    /** Newest first. */
    async entries(workspace: string, { project, limit, before }: EntriesQuery): Promise<readonly Entry[]> {
      const query = { project, limit, before }
      const { body } = await exchange.send({ method: 'GET', path: `${at(workspace)}/entries`, query })
      return itemsOf(body)
    },
    /** Whether it was recorded now: the same order under its key counts once. */
    async bring(workspace: string, order: MoneyOrder, key: string): Promise<{ readonly again: boolean }> {
      const { status } = await exchange.send({
        method: 'POST',
        path: `${at(workspace)}/transactions`,
        body: order,
        headers: { 'idempotency-key': key },
      })
      return { again: status === 200 }
    },
  }
}
