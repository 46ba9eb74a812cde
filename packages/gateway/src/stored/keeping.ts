// Stands between an answer and who hears it: its end is told once the response is kept, so that whoever has seen a
// response end can go on from it.
import { keptContent, type ToldResponse, toldResponse } from '@switchyard/dialects'
import type { Fault } from '@switchyard/kinds'
import { Sealed, type StoredResponse } from '@switchyard/runtime'
import type { AnswerHearer, Answering } from '../answering.ts'
import type { Failure } from '../failure.ts'
import type { Blocked } from '../guard/index.ts'
import type { Rejection } from '../rejection.ts'
import type { Keeper } from './keeper.ts'
import { isId, type Keep, mostKeptBytes } from './resume.ts'

export interface KeepingHearer extends AnswerHearer {
  broken(error: unknown): void
}

export interface KeepingOptions {
  readonly keeper: Keeper
  readonly keep: Keep
  /** What is heard, once it is there. */
  readonly answering: () => Answering | undefined
  /** Somebody still waits for the answer. */
  readonly live: () => boolean
}

export class Keeping implements AnswerHearer {
  readonly #hearer: KeepingHearer
  readonly #options: KeepingOptions

  constructor(hearer: KeepingHearer, options: KeepingOptions) {
    this.#hearer = hearer
    this.#options = options
  }

  committed(held: readonly Buffer[]): void {
    this.#hearer.committed(held)
  }

  flowed(bytes: Buffer): void {
    this.#hearer.flowed(bytes)
  }

  ended(terminal: Buffer): void {
    this.#keep(toldResponse(terminal, true), () => this.#hearer.ended(terminal))
  }

  replied(bytes: Buffer): void {
    this.#keep(toldResponse(bytes, false), () => this.#hearer.replied(bytes))
  }

  unspeakable(fault: Fault): void {
    this.#hearer.unspeakable(fault)
  }

  blocked(by: Blocked): void {
    this.#hearer.blocked(by)
  }

  rejected(status: number, rejection: Rejection): void {
    this.#hearer.rejected(status, rejection)
  }

  failed(failure: Failure): void {
    this.#hearer.failed(failure)
  }

  #keep(told: ToldResponse | undefined, then: () => void): void {
    const { keeper, keep, live } = this.#options
    const response = told && this.#responseOf(told)
    if (!response) {
      then()
      return
    }
    keeper
      .keep(keep.scope, response)
      .then(() => {
        if (live()) then()
      })
      .catch((error: unknown) => this.#hearer.broken(error))
  }

  /** Undefined for what nobody keeps. */
  #responseOf(told: ToldResponse): StoredResponse | undefined {
    const { model, previous, request } = this.#options.keep
    const { id, stored, json } = told
    if (!stored || !isId(id)) return undefined
    const maker = this.#options.answering()?.maker
    if (maker !== undefined) return { id, model, upstream: maker }
    if (!request || request.length + json.length > mostKeptBytes) return undefined
    return { id, model, previous, content: new Sealed(keptContent(request, told)) }
  }
}
