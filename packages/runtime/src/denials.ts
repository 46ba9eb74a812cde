// Refusals for the trail: the first of one origin and action in a minute are told whole, the rest are counted. Whoever
// floods a door with wrong keys makes neither memory nor the trail grow.

/** A refusal of a gateway as its journal keeps it. Strings of callers are bounded by who made it. */
export interface Denied {
  /** UUID of the entry. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** null where nobody knows whose it was. */
  readonly workspace: string | null
  /** `inference.call`. */
  readonly action: string
  /** The permission that was asked for. */
  readonly rule: string
  /** Who owns the key, `user:ann`; `system:unknown`. */
  readonly actor: string
  readonly method: 'key' | 'token' | 'none'
  /** Public id of the key. */
  readonly credential?: string | undefined
  readonly resource?: { readonly kind: string; readonly name: string } | undefined
  readonly code: string
  readonly reason: string
  /** Absent from what stands for several callers. */
  readonly address?: string | undefined
  readonly agent?: string | undefined
  readonly request?: string | undefined
  readonly trace?: string | undefined
  /** How many it stands for; absent is one. */
  readonly count?: number | undefined
}

/** A refusal by its place in a journal, by which it is known when it is sent again. */
export interface JournalledDenial {
  readonly journal: string
  readonly epoch: number
  /** From 1 in each epoch. */
  readonly number: number
  readonly denied: Denied
}

export interface TallyOptions<E> {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Told whole of one origin and action in a minute. Default 20. */
  readonly whole?: number
  /** Told whole in a minute, whatever their origins. Default 1000. */
  readonly wholeOfAll?: number
  /** Origins and actions that are told apart in a minute; those beyond are counted together. Default 1000. */
  readonly most?: number
  /** What is told of those that are counted together: nothing that only the newest of them is. */
  readonly common?: (entry: E) => E
}

/** The newest of several, for all of them. */
export interface Tallied<E> {
  /** '' for those that are counted together. */
  readonly origin: string
  readonly action: string
  readonly entry: E
  readonly count: number
}

interface Counted<E> {
  told: number
  untold: Tallied<E> | undefined
}

const minute = 60_000

export class DenialTally<E> {
  readonly #options: Required<TallyOptions<E>>
  /** Of this minute. */
  #counted = new Map<string, Counted<E>>()
  #whole = 0
  #until = Number.NEGATIVE_INFINITY
  /** Of minutes that are over, and not handed out yet. */
  #ended: Tallied<E>[] = []

  constructor(options: TallyOptions<E>) {
    this.#options = { whole: 20, wholeOfAll: 1000, most: 1000, common: entry => entry, ...options }
  }

  /** Something is counted and not handed out. */
  get counting(): boolean {
    if (this.#ended.length > 0) return true
    for (const { untold } of this.#counted.values()) if (untold) return true
    return false
  }

  /** True where it is to be told now; it was counted otherwise. */
  take(origin: string, action: string, entry: E): boolean {
    this.#turn()
    const { whole, wholeOfAll } = this.#options
    const one = this.#of(origin, action)
    if (!one || one.told >= whole || this.#whole >= wholeOfAll) {
      this.#count({ origin, action, entry, count: 1 })
      return false
    }
    one.told++
    this.#whole++
    return true
  }

  /** What could not be told is told with the others of its minute. */
  missed(tallied: Tallied<E>): void {
    this.#turn()
    this.#count(tallied)
  }

  /** What was counted in minutes that are over, each once; with `all`, in this one too. */
  due(all = false): readonly Tallied<E>[] {
    if (all) this.#until = Number.NEGATIVE_INFINITY
    this.#turn()
    return this.#ended.splice(0)
  }

  /** Undefined where there is no room to tell it apart. */
  #of(origin: string, action: string): Counted<E> | undefined {
    const key = `${origin}\0${action}`
    const known = this.#counted.get(key)
    if (known || this.#counted.size >= this.#options.most) return known
    const made = { told: 0, untold: undefined }
    this.#counted.set(key, made)
    return made
  }

  #count(tallied: Tallied<E>): void {
    const one = this.#of(tallied.origin, tallied.action)
    if (one) {
      one.untold = { ...tallied, count: tallied.count + (one.untold?.count ?? 0) }
      return
    }
    const key = `\0${tallied.action}`
    const { told, untold } = this.#counted.get(key) ?? { told: 0, untold: undefined }
    const entry = this.#options.common(tallied.entry)
    const count = tallied.count + (untold?.count ?? 0)
    this.#counted.set(key, { told, untold: { ...tallied, origin: '', entry, count } })
  }

  #turn(): void {
    const now = this.#options.now()
    // A clock that was set back ends the minute too.
    if (now < this.#until && now >= this.#until - minute) return
    for (const { untold } of this.#counted.values()) if (untold) this.#ended.push(untold)
    this.#counted = new Map()
    this.#whole = 0
    this.#until = now + minute
  }
}
