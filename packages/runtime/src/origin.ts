// For whom and from where a request comes, for every transaction that is run on its behalf: the trail tells it, and no
// function in between has to hand it on. The one value of this house that travels unseen; nothing is decided by it.
import { AsyncLocalStorage } from 'node:async_hooks'

export interface Origin {
  /** Id of the request. */
  readonly request: string
  /** Address of the peer. */
  readonly address: string
  readonly agent?: string | undefined
  /** W3C trace id. */
  readonly trace?: string | undefined
  /** Absent before anyone has proved who they are. */
  readonly principal?: string | undefined
  readonly method?: 'session' | 'key' | 'operator' | undefined
  /** Public id of the API key, or id of the session. */
  readonly credential?: string | undefined
  /** `api_key.rotate`. */
  readonly action?: string | undefined
  /** The permission that let it pass. */
  readonly rule?: string | undefined
}

const origins = new AsyncLocalStorage<Origin>()

/** Runs work, and all that it awaits, as done for this request. */
export const onBehalf = <T>(origin: Origin, work: () => T): T => origins.run(origin, work)

export const currentOrigin = (): Origin | undefined => origins.getStore()
