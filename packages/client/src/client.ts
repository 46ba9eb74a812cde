// The client: every call of the control plane, over one pool of connections that it closes.
import { setTimeout as sleep } from 'node:timers/promises'
import { adminCalls } from './admin.ts'
import { auditCalls } from './audit.ts'
import { balanceCalls } from './balances.ts'
import { chatCalls } from './chat.ts'
import { configurationCalls } from './configuration.ts'
import { collectionPath, documentCalls, type KindName, type WatchQuery } from './documents.ts'
import { createExchange, type ExchangeOptions } from './exchange.ts'
import { factCalls } from './facts.ts'
import { abortFault } from './faults.ts'
import { invoiceCalls } from './invoices.ts'
import { peopleCalls } from './people.ts'
import { sessionCalls } from './session.ts'
import { type WatchOptions, watch } from './watch.ts'

export interface ClientOptions extends ExchangeOptions {
  /** How a watch that was cut is tried again; 20 times in a row, 0.2 s doubling to 5 s, when absent. */
  readonly watch?: Partial<WatchOptions>
}

/** Doubling from 0.2 s to 5 s. One person's watch needs no jitter; a fleet of agents passes its own. */
async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(Math.min(5000, 100 * 2 ** attempt), undefined, signal && { signal })
  } catch (error) {
    if (signal?.aborted) throw abortFault(signal)
    throw error
  }
}

/** Throws Fault alone. The caller disposes of it. */
export function createClient({ watch: retry, ...options }: ClientOptions) {
  const exchange = createExchange(options)
  return {
    url: exchange.url,
    ...documentCalls(exchange),
    ...factCalls(exchange),
    ...auditCalls(exchange),
    ...balanceCalls(exchange),
    ...invoiceCalls(exchange),
    ...sessionCalls(exchange),
    ...peopleCalls(exchange),
    ...chatCalls(exchange),
    ...configurationCalls(exchange),
    ...adminCalls(exchange),
    /** The documents, `SYNCED`, then every change; goes on after cuts, and lists again when it must. */
    watch: (kind: KindName, query: WatchQuery = {}) =>
      watch(exchange, collectionPath(kind, query), query, { pause, attempts: 20, ...retry }),
    [Symbol.asyncDispose]: () => exchange[Symbol.asyncDispose](),
  }
}
export type Client = ReturnType<typeof createClient>
