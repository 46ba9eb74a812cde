// What the address of the screens of usage says. Stands in the first chunk, so it brings nothing along.
import { type EndReason, endReasons } from '@switchyard/runtime/usage'

export const presets = ['today', '7d', '30d', 'month', 'last-month', 'custom'] as const
export type Preset = (typeof presets)[number]

export interface PeriodSearch {
  readonly period?: Preset
  /** Of `custom` alone: days of the person's own calendar, `2026-11-01`, the last one included, or moments. */
  readonly from?: string
  readonly to?: string
}

export const dimensions = ['model', 'key', 'project', 'workspace', 'upstream'] as const
export type Dimension = (typeof dimensions)[number]

/** What is looked for. */
export type Sought = { readonly [name in Dimension]?: string | undefined }

/** Where one looks, unless the address says where. */
export function soughtHere(
  { workspace, project }: Pick<Sought, 'workspace' | 'project'>,
  here: string,
  projectHere: string,
): Pick<Sought, 'workspace' | 'project'> {
  const place = workspace ?? (here === '' ? undefined : here)
  const isHere = place === here && projectHere !== ''
  return { workspace: place, project: project ?? (isHere ? projectHere : undefined) }
}

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

export interface RequestsSearch extends PeriodSearch, Sought {
  /** `404`, or `5xx`. */
  readonly status?: string
  readonly end?: EndReason
  readonly request?: string
  /** Least milliseconds to the first token: streams alone. */
  readonly firstTokenFrom?: number
}

export function readRequestsSearch(search: Readonly<Record<string, unknown>>): RequestsSearch {
  const { by: _, ...rest } = readUsageSearch(search)
  const end = endReasons.find(one => one === search.end)
  // A router reads 404 as a number.
  const status = typeof search.status === 'number' ? String(search.status) : search.status
  const late = Number(search.firstTokenFrom ?? Number.NaN)
  return {
    ...rest,
    ...(end && { end }),
    ...(Number.isInteger(late) && late >= 0 && { firstTokenFrom: late }),
    ...texts({ ...search, status }, ['status', 'request']),
  }
}
