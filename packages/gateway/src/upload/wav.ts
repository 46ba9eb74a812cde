// How long a sound is, where its own head tells: a WAV file of samples that all have one size. Read as the file passes;
// of any other file nothing is known, and nothing is guessed.

const most = 64 * 1024
const riff: ReadonlySet<string> = new Set(['RIFF', 'RF64'])
/** PCM, floats, A-law and mu-law; 0xfffe says it in a longer head. */
const plain: ReadonlySet<number> = new Set([1, 3, 6, 7])
const extensible = 0xfffe
/** Writers of streams do not know the size yet. */
const unknown: ReadonlySet<number> = new Set([0, 0xffff_ffff])
const nothing = Buffer.alloc(0)

interface Form {
  /** Samples of all channels at one moment, in bytes. */
  readonly frame: number
  /** Frames in a second. */
  readonly rate: number
}

export class WavLength {
  #head: Buffer | undefined = nothing
  #form: Form | undefined
  /** Bytes of samples that the head promises; undefined while there is none, or where it is no such file. */
  #promised: number | undefined
  #seen = 0

  push(bytes: Buffer): void {
    if (this.#promised !== undefined) this.#seen += bytes.length
    else if (this.#head) this.#read(this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]))
  }

  /** Whole milliseconds, to the nearest; `whole` once all of the file has passed. */
  milliseconds(whole: boolean): bigint | undefined {
    if (this.#promised === undefined || !this.#form) return undefined
    if (!whole && this.#seen < this.#promised) return undefined
    const { frame, rate } = this.#form
    const frames = BigInt(Math.floor(Math.min(this.#promised, this.#seen) / frame))
    return (frames * 1000n + BigInt(rate) / 2n) / BigInt(rate)
  }

  /** Chunks up to the samples; a head that says too much is none. */
  #read(bytes: Buffer): void {
    this.#head = bytes
    if (bytes.length < 12) return
    if (!riff.has(bytes.toString('latin1', 0, 4)) || bytes.toString('latin1', 8, 12) !== 'WAVE') {
      this.#head = undefined
      return
    }
    for (let at = 12; at + 8 <= bytes.length; ) {
      const id = bytes.toString('latin1', at, at + 4)
      const size = bytes.readUInt32LE(at + 4)
      const start = at + 8
      if (id === 'data') {
        this.#head = undefined
        if (!this.#form) return
        this.#promised = unknown.has(size) ? Number.POSITIVE_INFINITY : size
        this.#seen = bytes.length - start
        return
      }
      if (id === 'fmt ' && start + size <= bytes.length)
        this.#form = formOf(bytes.subarray(start, start + size))
      // A chunk of odd size is filled up.
      at = start + size + (size % 2)
    }
    if (bytes.length > most) this.#head = undefined
  }
}

function formOf(chunk: Buffer): Form | undefined {
  if (chunk.length < 16) return undefined
  const tag = chunk.readUInt16LE(0)
  const kind = tag === extensible && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag
  const form = { rate: chunk.readUInt32LE(4), frame: chunk.readUInt16LE(12) }
  return plain.has(kind) && form.rate > 0 && form.frame > 0 ? form : undefined
}
