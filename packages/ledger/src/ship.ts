// Ships the journal to the store: a batch is acknowledged only after the store has committed it, and the store
// knows an event by its id, so that nothing is lost and nothing counts twice, whoever is killed.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { IngestAnswer, JournalReader, Observe, UsageEvent, UsageStore, Used } from '@switchyard/runtime'
import { usageEvent } from './usage.ts'

export type ShipObservation =
  | {
      readonly type: 'usage_shipped'
      readonly events: number
      readonly duplicates: number
      /** Age of the oldest event of the batch when it was committed. */
      readonly lagMilliseconds: number
    }
  | { readonly type: 'usage_quarantined'; readonly ids: readonly string[] }
  /** What gateways held whose journal was read to its end could not be given back yet. */
  | { readonly type: 'journal_not_recovered'; readonly attempt: number; readonly error: unknown }
  | {
      readonly type: 'denials_not_shipped'
      readonly denials: number
      readonly attempt: number
      readonly error: unknown
    }
  | {
      readonly type: 'usage_not_shipped'
      readonly events: number
      readonly attempt: number
      readonly error: unknown
    }

export interface ShipOptions {
  readonly reader: JournalReader
  readonly store: Pick<UsageStore, 'ingest'> & Partial<Pick<UsageStore, 'recovered' | 'denied'>>
  readonly observe: Observe<ShipObservation>
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** From 0 up to 1. */
  readonly random: () => number
  /** Events of one batch at most, default 1000. */
  readonly limit?: number
  /** The longest wait between two tries, default 10 000 ms; the first is a hundredth of it. */
  readonly backoffMilliseconds?: number
  readonly signal: AbortSignal
}

/** Runs until the signal; what is not shipped then stays in the journal. */
export async function shipUsage(options: ShipOptions): Promise<void> {
  const { signal } = options
  try {
    while (!signal.aborted) await shipBatch(options)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

const eventsOfTurn = 64

/** A function of its own, so that a batch is garbage while the next one is waited for. */
async function shipBatch(options: ShipOptions): Promise<void> {
  const { reader, limit = 1000, signal } = options
  const batch = await reader.batch(limit, signal)
  if (batch.used.length > 0) await ingest(options, batch.used)
  const { recovered, denied = [] } = batch
  if (denied.length > 0)
    await insist(
      options,
      async () => {
        if (!options.store.denied) throw new TypeError('this store has no trail')
        await options.store.denied(denied)
      },
      (attempt, error) =>
        options.observe({ type: 'denials_not_shipped', denials: denied.length, attempt, error }),
    )
  if (recovered)
    await insist(
      options,
      async () => options.store.recovered?.(recovered),
      (attempt, error) => options.observe({ type: 'journal_not_recovered', attempt, error }),
    )
  await batch.acknowledge()
}

async function ingest(options: ShipOptions, used: readonly Used[]): Promise<void> {
  const events: UsageEvent[] = []
  for (const { admitted, ended } of used) {
    events.push(usageEvent(admitted, ended))
    // A gateway that ships has requests to answer.
    if (events.length % eventsOfTurn === 0) await turn()
  }
  const { store, observe, clock } = options
  const answers = await insist(
    options,
    () => store.ingest(events),
    (attempt, error) => observe({ type: 'usage_not_shipped', events: events.length, attempt, error }),
  )
  report(events, answers, observe, clock())
}

/** Tries until it succeeds, or the signal. */
async function insist<T>(
  { random, signal, backoffMilliseconds = 10_000 }: ShipOptions,
  act: () => Promise<T>,
  failed: (attempt: number, error: unknown) => void,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      failed(attempt, error)
    }
    const ceiling = Math.min(backoffMilliseconds, (backoffMilliseconds / 100) * 2 ** (attempt - 1))
    await sleep(ceiling * (0.5 + random() / 2), undefined, { signal })
  }
}

function report(
  events: readonly UsageEvent[],
  answers: readonly IngestAnswer[],
  observe: Observe<ShipObservation>,
  now: number,
): void {
  const quarantined = events.filter((_, i) => answers[i] === 'quarantined').map(({ id }) => id)
  if (quarantined.length > 0) observe({ type: 'usage_quarantined', ids: quarantined })
  // RFC 3339 in UTC with as many digits each: the texts are in the order of the moments.
  let oldest = events[0]?.data.endedAt ?? ''
  for (const { data } of events) if (data.endedAt < oldest) oldest = data.endedAt
  observe({
    type: 'usage_shipped',
    events: events.length,
    duplicates: answers.filter(answer => answer === 'duplicate').length,
    lagMilliseconds: now - Date.parse(oldest),
  })
}
