// Questions to a live installation whose answer should always be yes, each a row: what is asserted, how it is seen, and
// what to do where it is not so.

export interface Finding {
  /** `warn` is worth a look, and nothing is wrong yet. */
  readonly status: 'pass' | 'warn' | 'fail'
  /** What was seen, with numbers. */
  readonly found: string
}

export interface Check {
  /** `ledger_sums`. */
  readonly name: string
  /** As a sentence that should be true. */
  readonly asserts: string
  /** What a person does where it is not. */
  readonly todo: string
  run(): Promise<Finding>
}

export interface CheckedRow extends Finding {
  readonly name: string
  readonly asserts: string
  /** Where it did not pass. */
  readonly todo?: string
  readonly milliseconds: number
}

/** One after the other: a look at the books must not weigh on who works with them. A check that cannot look has failed. */
export async function examine(
  checks: readonly Check[],
  monotonic: () => number,
): Promise<readonly CheckedRow[]> {
  const rows: CheckedRow[] = []
  for (const { name, asserts, todo, run } of checks) {
    const began = monotonic()
    const { status, found } = await run().catch(unseen)
    const milliseconds = Math.round(monotonic() - began)
    rows.push({ name, asserts, status, found, ...(status !== 'pass' && { todo }), milliseconds })
  }
  return rows
}

const unseen = (error: unknown): Finding => ({
  status: 'fail',
  found: `It could not be looked at: ${error instanceof Error ? error.message : String(error)}`,
})
