// The lines of a head, checked and written once: most headers of an answer are what they were in the last one.

const allowed = /^[\t\x20-\x7e\x80-\xff]*$/
/** Names that are remembered. */
const mostNames = 256
/** Longer values are not. */
const mostCharacters = 256
/** A header that has changed so often in turn is no longer remembered. */
const mostMisses = 8

interface Last {
  value: string
  line: string
  misses: number
}

export class HeadLines {
  readonly #last = new Map<string, Last>()

  /** With its end. A TypeError for a value that a header cannot have. */
  of(name: string, value: string): string {
    const last = this.#last.get(name)
    if (last !== undefined && last.value === value) {
      last.misses = 0
      return last.line
    }
    if (!allowed.test(value)) throw new TypeError(`the value of header ${name} cannot be sent`)
    const line = `${name}: ${value}\r\n`
    if (last === undefined) {
      if (this.#last.size < mostNames && line.length <= mostCharacters)
        this.#last.set(name, { value, line, misses: 0 })
    } else if (last.misses < mostMisses && line.length <= mostCharacters) {
      last.misses++
      last.value = value
      last.line = line
    }
    return line
  }
}
