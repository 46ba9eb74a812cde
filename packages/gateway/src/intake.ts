// A caller's body as it comes, plain or coded: put together within its bound, and a large one read on the way.
import { type CallerName, largeBytes, RequestScan } from '@switchyard/dialects'
import type { Fault } from '@switchyard/kinds'
import { Body } from './body.ts'
import { BodyGunzip, type DecodedHearer } from './door/compress.ts'
import { bodyTooLarge } from './head.ts'

/** What is heard of a body: its whole, or why there is none; both may come after nobody waits for it any more. */
export interface IntakeHearer {
  onBodyWhole(body: Buffer): void
  onBodyRefused(error: unknown): void
}

export class Intake extends Body implements DecodedHearer {
  /** Of a large body, as far as it has come. */
  scan: RequestScan | undefined
  readonly #hearer: IntakeHearer
  readonly #mostBytes: number
  readonly #scanned: CallerName | undefined
  /** Of a coded body. */
  #gunzip: BodyGunzip | undefined

  /** `scanned` is the dialect that a large body is read in as it comes; undefined where it is none of JSON. */
  constructor(hearer: IntakeHearer, mostBytes: number, scanned: CallerName | undefined) {
    super()
    this.#hearer = hearer
    this.#mostBytes = mostBytes
    this.#scanned = scanned
  }

  /** What comes is coded with gzip. */
  decode(): void {
    this.#gunzip = new BodyGunzip({ bytes: this.#mostBytes }, this)
  }

  /** A part as it came. */
  came(part: Buffer): void {
    if (this.#gunzip) this.#gunzip.push(part)
    else this.onDecoded(part)
  }

  /** All has come. */
  end(): void {
    if (this.#gunzip) this.#gunzip.end()
    else this.onDecodedWhole()
  }

  /** Nothing more of it is wanted. */
  close(): void {
    this.#gunzip?.destroy()
  }

  onDecoded(part: Buffer): void {
    this.scan?.push(part)
    this.push(part)
    if (!this.scan && this.#scanned !== undefined && this.bytes > largeBytes) this.#scanFrom(this.#scanned)
    if (this.bytes > this.#mostBytes) this.onUndecodable(bodyTooLarge({ bodyBytes: this.#mostBytes }))
  }

  onDecodedWhole(): void {
    if (this.scattered)
      this.join().then(
        body => this.#hearer.onBodyWhole(body),
        (error: unknown) => this.#hearer.onBodyRefused(error),
      )
    else this.#hearer.onBodyWhole(this.take())
  }

  onUndecodable(fault: Fault): void {
    this.#hearer.onBodyRefused(fault)
  }

  #scanFrom(caller: CallerName): void {
    this.scan = new RequestScan(caller)
    for (const part of this.parts) this.scan.push(part)
  }
}
