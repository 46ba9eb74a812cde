// A request as the API tells of it: in a list, and event by event.
import type { AttemptTimes, RequestRow } from '@switchyard/runtime'

export type { AttemptTimes, RequestRow } from '@switchyard/runtime'

export interface RequestPage {
  readonly items: readonly RequestRow[]
  readonly next?: string
}

/** How much of an event one price of a book has asked. */
export interface Line {
  readonly side: 'sale' | 'cost'
  readonly unit: string
  readonly quantity: string
  readonly amount: string
  readonly book: string
  readonly version: number
  readonly place: number
  readonly arithmetic: string
}

/** Columns of the database beside these are counts, by `tok_in_uncached`. */
export interface UsageEvent {
  readonly id: string
  readonly workspace: string
  readonly request: string
  readonly time: string
  readonly ended_at: string
  /** Null where it is not known. */
  readonly first_token_ms: number | null
  readonly attempts: readonly AttemptTimes[] | null
  readonly project: string | null
  readonly key_name: string
  readonly model: string
  readonly operation: string
  readonly upstream: string
  readonly endpoint: string
  readonly provider: string | null
  readonly upstream_model: string | null
  readonly region: string | null
  readonly tier: string
  readonly billable: 'caller' | 'cost'
  readonly streamed: boolean
  readonly end_reason: string
  readonly status: number
  readonly usage_source: string
  readonly flags: readonly string[]
  readonly batch: number
  readonly sha256: string
  readonly currency: string | null
  readonly amount: string | null
  readonly cost: string | null
  readonly lines: readonly Line[]
  readonly posted: readonly {
    readonly transaction: string
    readonly amount: string
    readonly currency: string
  }[]
}

/** `REQUEST:ATTEMPT:PART` */
export function partsOf({ id }: UsageEvent): { readonly attempt: number; readonly part: string } {
  const [, attempt = '0', part = ''] = id.split(':')
  return { attempt: Number(attempt), part }
}

/** Of several events of a request the one that its caller saw. */
export const callOf = (events: readonly UsageEvent[]): UsageEvent | undefined =>
  events.find(event => !['spare', 'rest'].includes(partsOf(event).part)) ?? events[0]

/** Why its gateway could not tell when it sent what and when the first token came; undefined where it could. */
export const untimed = ({
  attempts,
  operation,
  end_reason,
}: Pick<UsageEvent, 'attempts' | 'operation' | 'end_reason'>): 'realtime' | 'lost' | undefined => {
  if (attempts !== null) return undefined
  if (operation === 'realtime') return 'realtime'
  return end_reason === 'gateway_lost' ? 'lost' : undefined
}

/** Milliseconds since 1970 that a UUIDv7 tells. */
export const mintedAt = (request: string): number =>
  Number.parseInt(request.replaceAll('-', '').slice(0, 12), 16)

/** In milliseconds. */
export const lengthOf = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from))

/** Of callers the first letter says who is to blame. */
export const moodOf = (status: number): string =>
  status >= 500 ? 'bad' : status >= 400 ? 'busy' : status >= 200 && status < 300 ? 'good' : ''

const countColumn = /^(tok_(in|out)_|img_out_|audio_in_|char_in$|req$|doc_ranked$)/

/** By unit, as it is called elsewhere. */
const unitOf = (column: string) =>
  column
    .replace(/^(tok|img|audio)_(in|out)_/, '$1.$2.')
    .replace(/^char_in$/, 'char.in')
    .replace(/^doc_ranked$/, 'doc.ranked')

/** How much of a unit; decimal text. */
export interface Counted {
  readonly unit: string
  readonly quantity: string
}

export function countsOf(event: UsageEvent): readonly Counted[] {
  return Object.entries(event).flatMap(([column, value]) =>
    countColumn.test(column) && value !== null ? [{ unit: unitOf(column), quantity: String(value) }] : [],
  )
}
