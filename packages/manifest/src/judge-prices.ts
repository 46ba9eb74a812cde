// Limits of money for which a file has no prices: what they stand above would be refused.
import { type LimitsSpec, limitsSchema, priceBook } from '@switchyard/kinds'
import { type Problem, problemAt } from './problem.ts'
import type { Entry } from './read.ts'

/** Warnings: the book may stand elsewhere. */
export function unpricedLimits(entries: readonly Entry[]): readonly Problem[] {
  const sold = new Set(
    entries.flatMap(({ kind, manifest }) => {
      if (kind.kind !== priceBook.kind) return []
      const { data } = priceBook.spec.safeParse(manifest.spec ?? {})
      return data?.side === 'sale' ? [data.currency] : []
    }),
  )
  return entries.flatMap(({ manifest, place }) =>
    purses(limitsOf(manifest.spec)).flatMap(([path, currency]): readonly Problem[] => {
      if (sold.has(currency)) return []
      const message = `no PriceBook of this file sells in ${currency}: without one requests are refused as unpriced, so it must be there already`
      return [problemAt(place, { path, rule: 'unpriced', message }, 'warning')]
    }),
  )
}

/** Those of workspaces, projects and keys; others have no money. */
function limitsOf(spec: unknown): LimitsSpec | undefined {
  if (typeof spec !== 'object' || spec === null || !('limits' in spec)) return undefined
  return limitsSchema.safeParse(spec.limits).data
}

/** Where a currency stands, and which. */
function purses(limits: LimitsSpec | undefined): readonly (readonly [path: string, currency: string])[] {
  const all = [
    ['spec.limits.money', limits?.money] as const,
    ...Object.entries(limits?.models ?? {}).map(
      ([model, { money }]) => [`spec.limits.models.${model}.money`, money] as const,
    ),
  ]
  return all.flatMap(([path, money]) => (money ? [[`${path}.currency`, money.currency] as const] : []))
}
