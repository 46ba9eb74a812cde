// How an upstream says that it took a request: the tier that prices may go by.
import type { ServiceTier } from '@switchyard/kinds'
import type { Usage } from './exchange.ts'

/** Of the words of the dialects those that prices know; any other is taken for the standard one. */
const tiers: Readonly<Record<string, ServiceTier>> = { priority: 'priority', batch: 'batch' }

/** The usage with the tier that its upstream names, where that is none of the standard ones. */
export function tiered(usage: Usage | undefined, named: unknown): Usage | undefined {
  if (usage === undefined || typeof named !== 'string' || !Object.hasOwn(tiers, named)) return usage
  return { ...usage, tier: tiers[named] }
}
