// The body of a request as it comes: decoded, bounded, and held whole.
import type { Fault } from '@switchyard/kinds'
import { Body } from '../body.ts'
import { BodyGunzip, type DecodedHearer, requestCoding } from '../door/compress.ts'
import { callerSlow } from '../failure.ts'
import { bodyTooLarge, checkMediaType, type Head } from '../head.ts'
import type { House } from '../house.ts'
import type { Inbound, InboundHearer } from '../wire/inbound.ts'

/** What is heard of it; of a body one end. */
export interface ReadingHearer {
  read(body: Buffer): void
  unreadable(fault: Fault): void
  /** The caller takes bytes again. */
  drained(): void
  /** The connection to the caller is closed. */
  closed(): void
}

export class Reading implements InboundHearer, DecodedHearer {
  readonly #house: House
  readonly #inbound: Inbound
  readonly #hearer: ReadingHearer
  readonly #body = new Body()
  readonly #gunzip: BodyGunzip | undefined
  #readAt: number
  #over = false

  /** `wanted` is false for methods that have no body: what comes is passed by. Throws what its headers are refused for. */
  constructor(house: House, inbound: Inbound, head: Head, wanted: boolean, hearer: ReadingHearer) {
    this.#house = house
    this.#inbound = inbound
    this.#hearer = hearer
    this.#readAt = house.clock()
    if (!wanted) return
    checkMediaType(head, { caller: 'openai' })
    if (requestCoding(head.encoding) === 'gzip')
      this.#gunzip = new BodyGunzip({ bytes: house.limits.bodyBytes }, this)
    else this.#body.expect(head.length)
  }

  get bytes(): number {
    return this.#body.bytes
  }

  start(): void {
    this.#inbound.listen(this)
    this.#inbound.proceed()
  }

  /** Nothing more of the body is heard. */
  stop(): void {
    this.#over = true
    this.#gunzip?.destroy()
  }

  /** Throws the fault of a caller that sends too slowly. */
  tick(now: number, startedAt: number): void {
    const { bodyGap, bodyTotal } = this.#house.limits
    if (now - this.#readAt >= bodyGap || now - startedAt >= bodyTotal) throw callerSlow()
  }

  onBody(chunk: Buffer): void {
    if (this.#over) return
    this.#readAt = this.#house.wheel.now
    if (this.#gunzip) this.#gunzip.push(chunk)
    else this.onDecoded(chunk)
  }

  onWhole(): void {
    if (this.#over) return
    if (this.#gunzip) this.#gunzip.end()
    else this.onDecodedWhole()
  }

  onDecoded(part: Buffer): void {
    if (this.#over) return
    this.#body.push(part)
    if (this.#body.bytes > this.#house.limits.bodyBytes) this.#end(bodyTooLarge(this.#house.limits))
  }

  onUndecodable(fault: Fault): void {
    if (!this.#over) this.#end(fault)
  }

  onDecodedWhole(): void {
    if (this.#over) return
    this.stop()
    this.#hearer.read(this.#body.take())
  }

  onDrain(): void {
    this.#hearer.drained()
  }

  onClose(): void {
    this.#hearer.closed()
  }

  #end(fault: Fault): void {
    this.stop()
    this.#hearer.unreadable(fault)
  }
}
