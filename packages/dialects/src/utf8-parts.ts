// Whether bytes are UTF-8 that come in parts, cut anywhere.
import { isUtf8 } from 'node:buffer'

export class Utf8Parts {
  #good = true
  /** A character that was cut. */
  readonly #cut = Buffer.alloc(4)
  #have = 0
  #wanted = 0

  /** What has come is UTF-8, with no character cut. */
  get whole(): boolean {
    return this.#good && this.#have === 0
  }

  push(part: Buffer): void {
    if (!this.#good) return
    let from = 0
    while (this.#have > 0 && from < part.length) {
      this.#cut[this.#have++] = part[from++] as number // from < length
      if (this.#have < this.#wanted) continue
      this.#good = isUtf8(this.#cut.subarray(0, this.#have))
      this.#have = 0
    }
    const to = this.#cutAt(part, from)
    if (this.#good) this.#good = isUtf8(from === 0 && to === part.length ? part : part.subarray(from, to))
    if (to === part.length) return
    part.copy(this.#cut, 0, to)
    this.#have = part.length - to
  }

  /** Where a character starts that is not whole at the end of the part. */
  #cutAt(part: Buffer, from: number): number {
    for (let back = 1; back <= 3 && part.length - back >= from; back++) {
      const byte = part[part.length - back] as number // not before from
      if (byte < 0x80) break
      if (byte < 0xc0) continue
      this.#wanted = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
      return back < this.#wanted ? part.length - back : part.length
    }
    return part.length
  }
}
