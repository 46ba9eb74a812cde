// The documents that the screens of routes and providers speak of.
import type { DocumentOf, provider, route } from '@switchyard/kinds'

export type RouteDocument = DocumentOf<typeof route>
export type ProviderDocument = DocumentOf<typeof provider>
export type Tiers = RouteDocument['spec']['tiers']
export type Tier = Tiers[number]
export type Target = Tier['targets'][number]

/** What a target is called where nobody asks for its model. */
export const nameOf = ({ endpoint, provider: reference }: Pick<Target, 'endpoint' | 'provider'>): string =>
  endpoint ?? reference ?? ''

/** Part of its tier's requests with nothing tried, 0 to 1; undefined where weights do not decide. */
export function shareIn({ strategy, targets }: Tier, { weight }: Target): number | undefined {
  if (strategy !== 'weighted') return undefined
  const total = targets.reduce((sum, each) => sum + each.weight, 0)
  return total === 0 ? 0 : weight / total
}

export const percent = (share: number, language: string): string =>
  new Intl.NumberFormat(language === 'zh' ? 'zh-CN' : 'en', {
    style: 'percent',
    maximumFractionDigits: 1,
  }).format(share)
