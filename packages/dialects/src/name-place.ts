// Finds the model's name in an object of an upstream, at the top or one level down, without building the object.
import { Cursor, closed, more, Names } from './scan.ts'

const quote = 0x22
const openBrace = 0x7b

export class NamePlace {
  /** Range of the name's value after `find`; `start` is negative when there is none. */
  start = -1
  end = 0
  /** Range of the member in which the name stands, where it stands one level down. */
  outerStart = -1
  outerEnd = 0
  /** Range of the value of a member `type`; `typeStart` is negative when there is none. */
  typeStart = -1
  typeEnd = 0
  /** Value of a member `sequence_number`; negative when there is none. */
  sequence = -1
  readonly #names: Names
  readonly #inner: Names | undefined

  /** `inner` names the member of `outer` that is the name; without it `outer` is the name. */
  constructor(outer: string, inner?: string) {
    this.#names = new Names([outer, 'type', 'sequence_number'])
    this.#inner = inner === undefined ? undefined : new Names([inner])
  }

  /** False when these bytes are not one JSON object. */
  find(bytes: Buffer, start = 0, end = bytes.length): boolean {
    this.start = -1
    this.outerStart = -1
    this.typeStart = -1
    this.sequence = -1
    const cursor = new Cursor(bytes, start, end)
    cursor.space()
    let step = cursor.open()
    while (step === more) {
      const name = this.#names.find(bytes, cursor.nameStart, cursor.nameEnd)
      const at = cursor.at
      if (!cursor.value(1)) return false
      if (name === 0) this.#outer(bytes, at, cursor.at)
      else if (name === 1) {
        this.typeStart = at
        this.typeEnd = cursor.at
      } else if (name === 2) this.sequence = Number(bytes.toString('latin1', at, cursor.at))
      step = cursor.next()
    }
    cursor.space()
    return step === closed && cursor.at === end
  }

  #outer(bytes: Buffer, start: number, end: number): void {
    if (!this.#inner) {
      this.#name(bytes, start, end)
      return
    }
    if (bytes[start] !== openBrace) return
    this.outerStart = start
    this.outerEnd = end
    const cursor = new Cursor(bytes, start, end)
    for (let step = cursor.open(); step === more; step = cursor.next()) {
      const found = this.#inner.find(bytes, cursor.nameStart, cursor.nameEnd) === 0
      const at = cursor.at
      cursor.value(2)
      if (found) this.#name(bytes, at, cursor.at)
    }
  }

  #name(bytes: Buffer, start: number, end: number): void {
    if (bytes[start] !== quote) return
    this.start = start
    this.end = end
  }

  /** Whether the type ends so, as JSON writes it. */
  typeEnds(bytes: Buffer, ending: Buffer): boolean {
    const start = this.typeEnd - ending.length
    if (this.typeStart < 0 || start < this.typeStart) return false
    for (let i = 0; i < ending.length; i++) if (bytes[start + i] !== ending[i]) return false
    return true
  }

  /** Whether a name stands there that differs from this one. */
  differs(bytes: Buffer, name: Buffer | undefined): name is Buffer {
    if (!name || this.start < 0) return false
    return (
      this.end - this.start !== name.length || bytes.compare(name, 0, name.length, this.start, this.end) !== 0
    )
  }
}
