// A caller's form on its way: it is read as it comes, held until its model is known, and then only as far as the
// upstream is slower than the caller. What was held can be sent once more while nothing of it has been let go.
import type { Carriage } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Head } from '../head.ts'
import type { Passage } from '../passage.ts'
import type { BodySink, BodySource } from '../wire/client.ts'
import type { Inbound } from '../wire/inbound.ts'
import { FormReader, type FormSink } from './form.ts'
import { WavLength } from './wav.ts'

/** Where the upstream's own name of the model is put in. */
const modelPlace = Symbol('model')

type Piece = Buffer | typeof modelPlace

const modelHead = Buffer.from('\r\nContent-Disposition: form-data; name="model"\r\n\r\n')

/** Bytes that may wait for the upstream before the caller is told to wait. */
const mostWaiting = 256 * 1024

export interface UploadOptions {
  readonly inbound: Inbound
  readonly head: Pick<Head, 'contentType' | 'length'>
  /** The model that the path names, if it does. */
  readonly named: string | undefined
  /** Bytes that may be held while the model is not known, and for another attempt. */
  readonly heldBytes: number
  /** Bytes of the whole form. */
  readonly mostBytes: number
  /** Time of the wheel. */
  readonly now: () => number
}

export class Upload implements FormSink, Passage {
  readonly method = 'POST'
  readonly headers: readonly string[]
  movedAt = 0
  /** Bytes that have come. */
  bytes = 0
  /** The model's public name, once it is known. */
  name: string | undefined
  /** The caller is told to wait, so that its silence is not its own. */
  paused = false
  whole = false
  readonly #options: UploadOptions
  readonly #reader: FormReader
  readonly #sound = new WavLength()
  readonly #pieces: Piece[] = []
  #held = 0
  /** Bytes of the model's value as the caller wrote it; negative where the form has none. */
  #modelBytes = -1
  /** Pieces were let go: there is no second attempt. */
  #gone = false
  #sending: Sending | undefined

  /** Throws `unsupported` or `invalid` where the content type is not that of a form. */
  constructor(options: UploadOptions) {
    this.#options = options
    const { head, named } = options
    this.#reader = new FormReader(head.contentType, this)
    this.headers = ['accept', '*/*', 'content-type', head.contentType ?? '']
    this.name = named
    this.movedAt = options.now()
  }

  readonly sound = (): bigint | undefined => this.#sound.milliseconds(this.whole)

  get repeatable(): boolean {
    return !this.#gone
  }

  /** Throws what refuses the form. */
  push(chunk: Buffer): void {
    const { mostBytes, heldBytes } = this.#options
    this.bytes += chunk.length
    if (this.bytes > mostBytes) throw tooLarge(mostBytes)
    this.#reader.push(chunk)
    if (this.name === undefined && this.#held > heldBytes) throw late(heldBytes)
    this.#sending?.pull()
    this.#balance()
  }

  end(): void {
    this.#reader.end()
    if (this.name === undefined) throw unnamed()
    this.whole = true
    this.#sending?.pull()
  }

  /** Nothing more of it is wanted. */
  close(): void {
    this.#gone = true
    this.#pieces.length = 0
    this.#sending = undefined
  }

  // ---- what the reader finds

  pass(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#pieces.push(bytes)
    this.#held += bytes.length
  }

  file(bytes: Buffer): void {
    this.#sound.push(bytes)
  }

  model(name: string, bytes: number): void {
    // Of a form whose path names the model, the form's own word for it gives way.
    this.name ??= name
    this.#modelBytes = bytes
    this.#pieces.push(modelPlace)
  }

  /** A form that leaves the model to the path: upstreams want to read it in the form. */
  closing(delimiter: Buffer): void {
    if (this.#modelBytes >= 0 || this.name === undefined) return
    this.pass(modelHead)
    this.#pieces.push(modelPlace)
    this.pass(delimiter)
  }

  // ---- towards the upstream

  body(_carriage: Carriage, served: string): BodySource {
    if (this.#gone) throw new TypeError('a form that was let go is sent again')
    this.#sending = new Sending(this, served, this.#lengthWith(served))
    return this.#sending
  }

  /** The piece at this place; undefined when it has not come yet. */
  at(place: number): Piece | undefined {
    return this.#pieces[place]
  }

  /** An upstream has taken the pieces before this place. */
  taken(sending: Sending): void {
    if (sending !== this.#sending) return
    this.movedAt = this.#options.now()
    if (!this.#gone && this.#held > this.#options.heldBytes) this.#gone = true
    if (this.#gone) {
      this.#pieces.splice(0, sending.place)
      sending.place = 0
    }
    this.#balance()
  }

  left(sending: Sending): void {
    if (sending !== this.#sending) return
    this.#sending = undefined
    this.#balance()
  }

  /** The caller waits while much of what it sent does. */
  #balance(): void {
    const { inbound } = this.#options
    const sent = this.#sending?.sent ?? 0
    const waits = this.name !== undefined && this.#held - sent > mostWaiting && !this.whole
    if (waits === this.paused) return
    this.paused = waits
    if (waits) inbound.pause()
    else inbound.resume()
  }

  /** Of the body with that name in it; -1 where the place of the model may still come. */
  #lengthWith(served: string): number {
    const { head } = this.#options
    if (head.length < 0 || this.#modelBytes < 0) return -1
    return head.length - this.#modelBytes + Buffer.byteLength(served)
  }
}

/** One attempt's way through the pieces. */
class Sending implements BodySource {
  readonly length: number
  place = 0
  /** Bytes of the form, as the caller wrote it, that were taken. */
  sent = 0
  readonly #upload: Upload
  readonly #served: Buffer
  #sink: BodySink | undefined
  #blocked = false

  constructor(upload: Upload, served: string, length: number) {
    this.#upload = upload
    this.#served = Buffer.from(served)
    this.length = length
  }

  /** Without a sink: more has come from the caller. */
  pull(sink?: BodySink): void {
    if (sink) {
      this.#sink = sink
      this.#blocked = false
    }
    const to = this.#sink
    if (!to || this.#blocked) return
    let moved = false
    for (;;) {
      const piece = this.#upload.at(this.place)
      if (piece === undefined) break
      this.place++
      moved = true
      const bytes = piece === modelPlace ? this.#served : piece
      if (piece !== modelPlace) this.sent += piece.length
      if (!to.write(bytes)) {
        this.#blocked = true
        break
      }
    }
    const over = this.#upload.whole && this.#upload.at(this.place) === undefined
    if (moved) this.#upload.taken(this)
    if (over) to.end()
  }

  cancel(): void {
    this.#sink = undefined
    this.#upload.left(this)
  }
}

function tooLarge(mostBytes: number): Fault {
  return new Fault('too_large', `The form is larger than ${mostBytes} bytes: send less.`, { reason: 'body' })
}

function late(heldBytes: number): Fault {
  const message = `'model' must stand within the first ${heldBytes} bytes of the form: put it before the file.`
  return new Fault('invalid', message, {
    reason: 'missing_field',
    details: [{ path: 'model', rule: 'missing_field', message }],
  })
}

function unnamed(): Fault {
  const message = "Name a model: the form has no 'model'."
  return new Fault('invalid', message, {
    reason: 'missing_field',
    details: [{ path: 'model', rule: 'missing_field', message }],
  })
}
