// How a workspace stands to its Quota and its cohort, as the store counts it.
import type { Accelerator } from '@switchyard/kinds'

/** One flavor of a Quota: replicas, or devices of an accelerator, or of one product of it. */
export interface Share {
  /** Absent: replicas. */
  readonly accelerator?: Accelerator
  /** Absent: of any product. */
  readonly product?: string
  readonly nominal: number
  /** What its endpoints ask for. */
  readonly declared: number
  /** What is there, what drains included. */
  readonly used: number
  /** What may be there now. */
  readonly limit: number
  readonly borrowed: number
  readonly lent: number
}

export interface Allowance {
  /** Name of the Quota. */
  readonly quota: string
  /** Those that the Quota names; of the rest there is no limit. */
  readonly shares: readonly Share[]
  /** Names of its borrowed Replicas that others need back, the newest first. */
  readonly returns: readonly string[]
}

export interface Quotas {
  /** Undefined without a Quota. */
  allowance(workspace: string): Promise<Allowance | undefined>
}
