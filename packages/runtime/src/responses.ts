// Responses of OpenAI's Responses API that can be gone on from and read again: where one is kept, and by whom it may be
// seen. What it says travels sealed, so that it is in no log.
import type { Sealed } from './sealed.ts'

/** Whose it is: nobody else ever learns that it exists. */
export interface ResponseScope {
  readonly workspace: string
  /** Null for keys of no project. */
  readonly project: string | null
}

interface Made {
  readonly id: string
  /** Public name of the model that it was asked of. */
  readonly model: string
}

/** Kept by the upstream that made it, which is known by its key. */
export interface ResponseElsewhere extends Made {
  readonly upstream: string
}

export interface ResponseHere extends Made {
  readonly upstream?: never
  /** Id of the response that it goes on from. */
  readonly previous: string | null
  /** What was asked and what was answered, as one text that only its writer reads. */
  readonly content: Sealed
}

export type StoredResponse = ResponseElsewhere | ResponseHere

export interface ChainBounds {
  /** Bytes of all contents together, as they are stored. */
  readonly bytes: number
  readonly links: number
}

export interface ResponseStore {
  /**
   * Durable once it resolves. What it goes on from is kept at least as long. In a workspace that is gone nothing is kept.
   * The same id again takes the first one's place.
   */
  keep(scope: ResponseScope, response: StoredResponse): Promise<void>
  /** Undefined for one that is unknown, expired, deleted or somebody else's. */
  find(scope: ResponseScope, id: string): Promise<StoredResponse | undefined>
  /**
   * The conversation that ends with this response, the first of it first; one alone that is kept elsewhere. Undefined
   * when any of it is gone; `too_large` beyond the bounds.
   */
  chain(
    scope: ResponseScope,
    id: string,
    most: ChainBounds,
  ): Promise<readonly [StoredResponse, ...StoredResponse[]] | undefined>
  /** False where there is none. */
  forget(scope: ResponseScope, id: string): Promise<boolean>
}
