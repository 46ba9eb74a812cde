// Tells the store when API keys were used: gathered where they are accepted, told together every few seconds.
import type { Clock, KeyUses, Observe } from '@switchyard/runtime'

const everyMilliseconds = 20_000

export type KeyUseObservation = { readonly type: 'key_uses_not_told'; readonly error: unknown }

export interface KeyUseTeller extends AsyncDisposable {
  /** A key was used, at milliseconds since 1970. */
  note(id: string, at: number): void
}

export interface KeyUseOptions {
  readonly uses: Pick<KeyUses, 'tell'>
  /** Called before each telling, to note what was gathered elsewhere. */
  readonly gather?: (note: KeyUseTeller['note']) => void
  readonly clock: Clock
  readonly observe: Observe<KeyUseObservation>
}

/** Disposing tells what is left. What cannot be told waits for the next turn: there are no more than there are keys. */
export function tellKeyUses({ uses, gather = () => {}, clock, observe }: KeyUseOptions): KeyUseTeller {
  let noted = new Map<string, number>()
  const note: KeyUseTeller['note'] = (id, at) => void noted.set(id, Math.max(at, noted.get(id) ?? 0))
  const tell = async () => {
    gather(note)
    const telling = noted
    noted = new Map()
    try {
      await uses.tell(telling)
    } catch (error) {
      for (const [id, at] of telling) note(id, at)
      observe({ type: 'key_uses_not_told', error })
    }
  }
  const ending = new AbortController()
  const done = (async () => {
    while (!ending.signal.aborted) {
      await clock.sleep(everyMilliseconds, ending.signal)
      await tell()
    }
  })()
  return {
    note,
    async [Symbol.asyncDispose]() {
      ending.abort()
      await done
    },
  }
}
