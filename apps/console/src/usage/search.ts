// What the address of the screens of usage says. Stands in the first chunk, so it brings nothing along.

export const presets = ['today', '7d', '30d', 'month', 'last-month', 'custom'] as const
export type Preset = (typeof presets)[number]

export interface PeriodSearch {
  readonly period?: Preset
  /** Days of the person's own calendar, `2026-11-01`, of which the last is included; of `custom` alone. */
  readonly from?: string
  readonly to?: string
}

export const dimensions = ['model', 'key', 'project', 'workspace', 'upstream'] as const
export type Dimension = (typeof dimensions)[number]

/** What is looked for. */
export type Sought = { readonly [name in Dimension]?: string | undefined }

export interface UsageSearch extends PeriodSearch, Sought {
  readonly by?: Dimension
}

/** Of these names the texts that are there. */
const texts = (search: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(
    names.flatMap(name => {
      const value = search[name]
      return typeof value === 'string' && value !== '' ? [[name, value]] : []
    }),
  )

/** Only what is there and what is known. */
export function readUsageSearch(search: Readonly<Record<string, unknown>>): UsageSearch {
  const by = dimensions.find(one => one === search.by)
  const period = presets.find(one => one === search.period)
  return { ...(by && { by }), ...(period && { period }), ...texts(search, ['from', 'to', ...dimensions]) }
}
