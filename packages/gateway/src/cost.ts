// What an answer costs its caller, where every unit that it used has a price.
import type { Usage } from '@switchyard/dialects'
import type { Admission } from '@switchyard/runtime'
import type { Snapshot } from './snapshot.ts'

const untold: readonly string[] = Object.freeze([])

/** Priced at the moment of admission. A report whose parts do not add up is not told as a price. */
export function costHeaders(
  { prices }: Snapshot,
  { model, at }: Admission,
  currency: string,
  usage: Usage | undefined,
): readonly string[] {
  if (!prices || !usage || usage.flags.includes('partition_mismatch')) return untold
  const cost = prices.sale(model, currency, at)?.quote(usage.quantities)
  return cost === undefined ? untold : ['x-switchyard-cost', cost]
}
