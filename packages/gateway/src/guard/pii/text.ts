// How personal data is read: at one place of the folded text, forwards, by a bounded number of units. A row that
// reaches the end of what has arrived says so, and is asked again when there is more.

export const none = 0
export const more = -1

/** The unit before the text, and after its end. */
const edge = 0

export class View {
  units = new Uint16Array(0)
  /** Units that have arrived. */
  length = 0
  /** Nothing more comes. */
  final = false

  /** The unit at a place, `edge` outside of the text, `more` where it has not arrived yet. */
  at(index: number): number {
    if (index < this.length) return index < 0 ? edge : (this.units[index] ?? edge)
    return this.final ? edge : more
  }
}

/** The end of what begins at `start`, `none`, or `more`. */
export type Reads = (text: View, start: number) => number

export const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39
export const isLetter = (unit: number): boolean => unit >= 0x61 && unit <= 0x7a
export const isAlnum = (unit: number): boolean => isDigit(unit) || isLetter(unit)

export const space = 0x20
export const hyphen = 0x2d
export const dot = 0x2e
export const plus = 0x2b

/** Between the digits of a number that people write in groups. */
export const isGap = (unit: number): boolean => unit === space || unit === hyphen
