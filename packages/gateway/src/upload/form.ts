// A form as it passes: parts are found by their boundary and named by their heads, nothing else of them is looked
// at, and only the value of `model` is kept back, for the upstream's own name to take its place.
//
//   start -> delimiter -> head -> value -> delimiter -> … -> end
import { Fault } from '@switchyard/kinds'
import { boundaryOf, malformed, partName } from './boundary.ts'

const cr = 0x0d
const dash = 0x2d
const dashes = Buffer.from('--')
const lineEnd = Buffer.from('\r\n')
const blankLine = Buffer.from('\r\n\r\n')
const nothing = Buffer.alloc(0)
const mostHeadBytes = 16 * 1024
const mostModelBytes = 1024
const mostParts = 1000

/** What is made of a form: bytes that pass, and the place of the model's value. */
export interface FormSink {
  pass(bytes: Buffer): void
  /** Of those that pass, what belongs to the part `file`. */
  file(bytes: Buffer): void
  /** The model's value stood here; its bytes were so many. */
  model(name: string, bytes: number): void
  /** The last delimiter has passed, and its dashes are next: what a further part would begin with. */
  closing(delimiter: Buffer): void
}

type State = 'start' | 'delimiter' | 'head' | 'value' | 'file' | 'model' | 'end'

export class FormReader {
  readonly #sink: FormSink
  readonly #first: Buffer
  /** What ends a part: the line end before the boundary belongs to it. */
  readonly #delimiter: Buffer
  #state: State = 'start'
  /** What could not be judged yet: at most a head, or the beginning of a delimiter. */
  #rest: Buffer = nothing
  #parts = 0
  #named = false

  /** Throws `unsupported` or `invalid` where the content type is not that of a form. */
  constructor(contentType: string | undefined, sink: FormSink) {
    const boundary = boundaryOf(contentType)
    this.#first = Buffer.from(`--${boundary}`)
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#sink = sink
  }

  /** Throws `invalid` for what is no form, or names the model twice. */
  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = nothing
    for (;;) {
      const left = this.#step(bytes)
      if (left === undefined) return
      bytes = left
    }
  }

  /** The body is whole. */
  end(): void {
    if (this.#state !== 'end' || (this.#rest.length > 0 && !this.#rest.equals(lineEnd)))
      throw malformed(
        'The form is not complete: its last boundary is missing, or something stands behind it.',
      )
    this.#sink.pass(this.#rest)
  }

  /** What is left after one step; undefined when more has to come. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'start':
        return this.#start(bytes)
      case 'delimiter':
        return this.#afterDelimiter(bytes)
      case 'head':
        return this.#head(bytes)
      case 'value':
      case 'file':
        return this.#value(bytes)
      case 'model':
        return this.#model(bytes)
      case 'end':
        // A line end may follow, and nothing else: what a reader may skip another one may read.
        if (bytes.length > lineEnd.length) throw malformed('Something stands behind the end of the form.')
        return this.#wait(bytes)
    }
  }

  #wait(bytes: Buffer): undefined {
    this.#rest = bytes
    return undefined
  }

  #start(bytes: Buffer): Buffer | undefined {
    const { length } = this.#first
    if (!bytes.subarray(0, length).equals(this.#first.subarray(0, bytes.length)))
      throw malformed('The form does not begin with its boundary: send it as the content type says.')
    if (bytes.length < length) return this.#wait(bytes)
    this.#sink.pass(this.#first)
    this.#state = 'delimiter'
    return bytes.subarray(length)
  }

  #afterDelimiter(bytes: Buffer): Buffer | undefined {
    if (bytes.length < 2) return this.#wait(bytes)
    if (bytes[0] === dash && bytes[1] === dash) {
      this.#state = 'end'
      this.#sink.closing(this.#delimiter)
      this.#sink.pass(dashes)
      return bytes.subarray(2)
    }
    if (!bytes.subarray(0, 2).equals(lineEnd))
      throw malformed('A boundary of the form is followed by something else than a line end.')
    if (++this.#parts > mostParts) throw malformed(`The form has more than ${mostParts} parts: send fewer.`)
    this.#state = 'head'
    return bytes.subarray(2)
  }

  #head(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(blankLine)
    if (end > mostHeadBytes || (end < 0 && bytes.length > mostHeadBytes))
      throw malformed('The head of a part of the form is too large.')
    if (end < 0) return this.#wait(bytes)
    const name = partName(bytes.toString('latin1', 0, end))
    const behind = end + blankLine.length
    this.#sink.pass(Buffer.concat([lineEnd, bytes.subarray(0, behind)]))
    if (name === 'model' && this.#named) throw twice()
    this.#state = name === 'model' || name === 'file' ? name : 'value'
    return bytes.subarray(behind)
  }

  #value(bytes: Buffer): Buffer | undefined {
    const at = bytes.indexOf(this.#delimiter)
    if (at < 0) {
      const kept = this.#mayBegin(bytes)
      if (kept > 0) this.#pass(bytes.subarray(0, kept))
      return this.#wait(bytes.subarray(kept))
    }
    if (at > 0) this.#pass(bytes.subarray(0, at))
    return this.#ended(bytes, at)
  }

  #pass(bytes: Buffer): void {
    this.#sink.pass(bytes)
    if (this.#state === 'file') this.#sink.file(bytes)
  }

  #ended(bytes: Buffer, at: number): Buffer {
    this.#sink.pass(this.#delimiter)
    this.#state = 'delimiter'
    return bytes.subarray(at + this.#delimiter.length)
  }

  /** Where a delimiter may begin that is not whole yet; the length when it does not. */
  #mayBegin(bytes: Buffer): number {
    let at = bytes.indexOf(cr, Math.max(0, bytes.length - this.#delimiter.length + 1))
    while (at >= 0) {
      const tail = bytes.subarray(at)
      if (tail.equals(this.#delimiter.subarray(0, tail.length))) return at
      at = bytes.indexOf(cr, at + 1)
    }
    return bytes.length
  }

  #model(bytes: Buffer): Buffer | undefined {
    const at = bytes.indexOf(this.#delimiter)
    if (at > mostModelBytes || (at < 0 && bytes.length > mostModelBytes + this.#delimiter.length))
      throw badModel()
    if (at < 0) return this.#wait(bytes)
    const name = bytes.toString('utf8', 0, at)
    if (name === '' || name.length > 256 || /\p{Cc}|\ufffd/u.test(name)) throw badModel()
    this.#named = true
    this.#sink.model(name, at)
    return this.#ended(bytes, at)
  }
}

const about = (reason: string, message: string) =>
  new Fault('invalid', message, { reason, details: [{ path: 'model', rule: reason, message }] })

const twice = () =>
  about('duplicate_member', "'model' must stand in the form once: two readers could see two values.")

const badModel = () => about('invalid_value', "'model' must be the name of a model, 1 to 256 characters.")
