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
      const { acknowledge, ...batch } = await reader.batch(limit, signal)
      const { used, denied = [] } = batch
      for (const { ended } of used) if (oldest === undefined || ended.at < oldest) oldest = ended.at
      for (const { denied: one } of denied) if (oldest === undefined || one.at < oldest) oldest = one.at
      return {
        ...batch,
        async acknowledge() {
          await acknowledge()
          oldest = undefined
        },
      }
    },
  }
}
