// Words are looked for in what entries tell, once what is sealed in them is opened: no index knows that. So a page looks
// through so many entries at most, and says how far back it came.
import type { AuditQuery, AuditRow, AuditStore, AuditTrail, Identity } from '@switchyard/runtime'
import { opened } from './audit-export.ts'
import { holding } from './audit-words.ts'

/** Entries that one page looks through. */
const mostLooked = 5000
/** Entries that are read at once. */
const batch = 500

export interface Sought {
  readonly audit: AuditStore
  readonly trail: AuditTrail | undefined
  readonly as: Identity
  readonly query: Omit<AuditQuery, 'limit'>
  readonly words: string
  /** Entries that are found. */
  readonly limit: number
}

export interface Found {
  /** Texts, opened. */
  readonly entries: readonly string[]
  /** Where to go on; undefined where there is no more. */
  readonly next: number | undefined
  /** Entries that were looked through, and when the last of them happened. */
  readonly looked: { readonly entries: number; readonly to: string | null }
}

export async function lookThrough({ audit, trail, as, query, words, limit }: Sought): Promise<Found> {
  const holds = holding(words)
  const entries: string[] = []
  let last: AuditRow | undefined
  let looked = 0
  const found = (isMore: boolean): Found => ({
    entries,
    next: isMore ? last?.seq : undefined,
    looked: { entries: looked, to: last ? timeOf(last) : null },
  })
  while (looked < mostLooked) {
    const rows = await audit.list(as, { ...query, ...(last && { beyond: last.seq }), limit: batch })
    const texts = await opened(
      trail,
      rows.map(({ entry }) => entry),
    )
    for (const [at, text] of texts.entries()) {
      last = rows[at]
      looked++
      if (holds(text)) entries.push(text)
      if (entries.length === limit) return found(rows.length === batch || at + 1 < rows.length)
    }
    if (rows.length < batch) return found(false)
  }
  return found(true)
}

/** The store writes it from what it has checked to be a time. */
const timeOf = ({ entry }: AuditRow): string => (JSON.parse(entry) as { readonly time: string }).time
