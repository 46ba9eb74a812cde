// Who is wanted: gateways mark the endpoints that are asked for, and control lets sleep whom nobody has asked for.
import type { Document } from '@switchyard/kinds'

/** An endpoint by its name. */
export interface Wanted {
  readonly workspace: string
  readonly name: string
}

/** Marks since some moment, and the moment to go on from. */
export interface Marks {
  readonly wanted: readonly Wanted[]
  readonly through: string
}

export interface Demand {
  /** They are asked for now. Whoever follows the store is woken. */
  mark(wanted: readonly Wanted[]): Promise<void>
  /**
   * Milliseconds since the endpoint was asked for, by the database's clock. That it was made, or its spec was changed,
   * counts as asking.
   */
  quiet(endpoint: Document): Promise<number>
  /** Marks after `after`, some of them for a second time; without it none. */
  since(after: string | undefined): Promise<Marks>
}
