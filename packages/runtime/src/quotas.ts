// How a workspace stands to its Quota and its cohort, as the store counts it.

export interface Allowance {
  /** Name of the Quota. */
  readonly quota: string
  readonly nominal: number
  /** Replicas that its endpoints ask for. */
  readonly declared: number
  /** Replicas that are there, those that drain included. */
  readonly used: number
  /** Replicas that may be there now. */
  readonly limit: number
  readonly borrowed: number
  readonly lent: number
  /** Names of its borrowed Replicas that others need back, the newest first. */
  readonly returns: readonly string[]
}

export interface Quotas {
  /** Undefined without a Quota. */
  allowance(workspace: string): Promise<Allowance | undefined>
}
