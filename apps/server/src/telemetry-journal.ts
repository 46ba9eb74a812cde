// How old the oldest usage record is that the store does not have yet.
import type { JournalReader } from '@switchyard/runtime'

export interface WatchedReader extends JournalReader {
  /** Milliseconds since 1970 of the end of that request; undefined while nothing waits but what was just written. */
  readonly oldest: number | undefined
}

/** The same batches; one that is out and not acknowledged is what waits. */
export function watchReader(reader: JournalReader): WatchedReader {
  let oldest: number | undefined
  return {
    get oldest() {
      return oldest
    },
    async batch(limit, signal) {
      const { events, acknowledge } = await reader.batch(limit, signal)
      for (const { data } of events) {
        const at = Date.parse(data.endedAt)
        if (oldest === undefined || at < oldest) oldest = at
      }
      return {
        events,
        async acknowledge() {
          await acknowledge()
          oldest = undefined
        },
      }
    },
  }
}
