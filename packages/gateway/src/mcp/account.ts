// What is claimed and written down of one request to a server of tools: room under every limit before it is sent, one
// usage record at its end.
import type { Operation, Usage } from '@switchyard/dialects'
import {
  type Admission,
  type Amounts,
  type Bucket,
  type EndReason,
  type Moneys,
  noMoney,
  type Verdict,
} from '@switchyard/runtime'
import { exhausted } from '../admission.ts'
import { type Bill, billFor } from '../bill.ts'
import type { House } from '../house.ts'
import type { Principal } from '../snapshot.ts'
import { type Payment, pay } from '../wallet/payment.ts'
import type { McpServer } from './server.ts'

export interface Accounted {
  readonly request: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly principal: Principal
  readonly server: McpServer
  readonly operation: Operation
  /** Messages that are answered; each counts against a limit of requests. */
  readonly requests: number
  /** Calls of tools among them, which are metered. */
  readonly calls: number
}

/** How the request ended. */
export interface McpSettled {
  readonly end: EndReason
  readonly status: number
  readonly streamed: boolean
  readonly attempts: number
  readonly upstream: string
  /** The server has taken the calls, as far as is known. */
  readonly taken: boolean
}

export class McpAccount {
  /** What the limits said. */
  verdict: Verdict | undefined
  /** The journal is told of it: it must be settled. */
  opened = false
  usage: Usage | undefined
  readonly #house: House
  readonly #about: Accounted
  #admitted: Admission
  #over = false
  /** Undefined where no limit of money stands above it. */
  #bill: Bill | undefined
  /** Undefined where nothing is paid from a balance. */
  #payment: Payment | undefined

  constructor(house: House, about: Accounted) {
    const { request, startedAt, principal, server, operation } = about
    const { workspace, project, key, keyName } = principal
    this.#house = house
    this.#about = about
    this.#admitted = {
      request,
      at: startedAt,
      workspace,
      project,
      key,
      keyName,
      model: server.model,
      endpoint: '',
      operation,
      streamed: operation === 'mcp.listen',
    }
  }

  /** Resolves once the journal knows of it; rejects with what refuses it. What was released meanwhile claims nothing. */
  async open(): Promise<void> {
    const { admissions, clock, journal, metrics } = this.#house
    const { request, principal, server } = this.#about
    const askedAt = clock()
    const above = principal.limited.above(server.model, askedAt)
    const buckets = above.buckets.filter(isOfMessages)
    if (buckets.length > 0) {
      const { operation, calls, startedAt } = this.#about
      const item = { operation, workspace: principal.workspace, model: server.model, at: startedAt }
      const { currencies } = above
      if (currencies.length > 0) this.#bill = billFor(this.#house, currencies, item, { req: BigInt(calls) })
      const verdict = await admissions.admit({
        id: request,
        buckets,
        amounts: this.#amounts(this.#bill?.reserved),
      })
      metrics.limit(verdict, clock() - askedAt)
      if (this.#over) {
        if (verdict.type === 'admitted') admissions.void(verdict)
        return
      }
      this.verdict = verdict
      if (verdict.type !== 'admitted') throw exhausted(verdict)
    }
    const { operation, calls, startedAt: at } = this.#about
    const bounds = { req: BigInt(calls) }
    const payment =
      calls > 0
        ? await pay(this.#house, { request, principal, operation, model: server.model, at, bounds })
        : undefined
    if (this.#over) {
      payment?.release()
      return
    }
    this.#payment = payment
    if (payment) this.#admitted = payment.admitted(this.#admitted)
    this.opened = true
    await journal.append({ kind: 'open', admitted: this.#admitted })
  }

  /** Journals the one usage record. */
  settle({ end, status, streamed, attempts, upstream, taken }: McpSettled): Promise<void> {
    const { clock, journal, metrics } = this.#house
    const { calls } = this.#about
    this.usage =
      taken && calls > 0 ? { quantities: { req: BigInt(calls) }, source: 'counted', flags: [] } : undefined
    if (this.usage) metrics.used(this.usage)
    const ended = {
      at: clock(),
      end,
      status,
      attempt: Math.max(1, attempts),
      upstream,
      billable: 'caller',
      usage: this.usage,
    } as const
    const admitted = { ...this.#admitted, streamed }
    if (!this.#payment) return journal.append({ kind: 'usage', admitted, ended })
    return this.#payment.journal(admitted, { ended, committed: true, accepted: taken, input: 0n })
  }

  /** Gives back what was claimed, all of it where nothing was sent; once. */
  release(sent: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#payment?.release()
    const { verdict } = this
    if (verdict?.type !== 'admitted') return
    if (sent)
      this.#house.admissions.settle(verdict, this.#amounts(this.usage && this.#bill?.charged(this.usage)))
    else this.#house.admissions.void(verdict)
  }

  #amounts(money: Moneys = noMoney): Amounts {
    return { requests: this.#about.requests, inputTokens: 0, outputTokens: 0, money }
  }
}

/** A message has no tokens. */
const isOfMessages = ({ dimension }: Bucket): boolean =>
  dimension === 'requests' || dimension === 'concurrency' || dimension === 'money'
