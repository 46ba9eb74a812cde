// From tokens to text that may be shown: whole characters only, and nothing of a stop string.

export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string

/** Tokens whose text gives the decoder its surroundings, such as whether a word begins with a space. */
const surroundings = 4
/** Tokens after which the window is cut, if it stands between two characters. */
const windowTokens = 8

/**
 * Turns tokens into text as they come. A character that is spread over several tokens is held back until it
 * is whole; bytes that can never become one come out as U+FFFD.
 */
export class TextStream {
  readonly #detokenize: Detokenize
  #before: readonly number[]
  #window: number[] = []
  #given = 0

  constructor(detokenize: Detokenize, prompt: readonly number[]) {
    this.#detokenize = detokenize
    this.#before = prompt.slice(-surroundings)
  }

  push(token: number): string {
    this.#window.push(token)
    const text = this.#detokenize(this.#window, this.#before)
    // An unfinished sequence of bytes decodes to exactly one U+FFFD at the very end (the WHATWG decoder's
    // maximal subpart); every earlier one is final.
    const unfinished = text.endsWith('\uFFFD')
    const whole = unfinished ? text.slice(0, -1) : text
    const fresh = whole.slice(this.#given)
    this.#given = Math.max(this.#given, whole.length)
    if (!unfinished && this.#window.length >= windowTokens) {
      this.#before = this.#window.slice(-surroundings)
      this.#window = []
      this.#given = 0
    }
    return fresh
  }
}

/** Holds back what may be the beginning of a stop string, and ends the text where one is complete. */
export class StopWatch {
  readonly #stops: readonly string[]
  #held = ''

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter(stop => stop !== '')
  }

  push(text: string): { readonly text: string; readonly stopped: boolean } {
    const all = this.#held + text
    const ends = this.#stops.map(stop => all.indexOf(stop)).filter(at => at >= 0)
    if (ends.length > 0) {
      this.#held = ''
      return { text: all.slice(0, Math.min(...ends)), stopped: true }
    }
    const hold = Math.max(0, ...this.#stops.map(stop => overlap(all, stop)))
    this.#held = all.slice(all.length - hold)
    return { text: all.slice(0, all.length - hold), stopped: false }
  }

  /** What was held back and turned out to be no stop string. */
  rest(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }
}

/** Length of the longest end of `text` that is a proper beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--)
    if (text.endsWith(stop.slice(0, length))) return length
  return 0
}
