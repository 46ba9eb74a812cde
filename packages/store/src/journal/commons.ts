// The numbers by which the records of a segment name what they have in common.
import type { Common, FrameBuffer } from './frame.ts'

/** Numbered at one time; then all of them are told again as they come. */
const most = 4096

interface Numbered extends Common {
  readonly number: number
}

export class Commons {
  readonly #frames: FrameBuffer
  readonly #byKey = new Map<string, Numbered[]>()
  #count = 0
  #next = 1

  constructor(frames: FrameBuffer) {
    this.#frames = frames
  }

  /** Nothing is known in a new segment. */
  clear(): void {
    this.#byKey.clear()
    this.#count = 0
  }

  /** Writes what it has in common before the first record that names it. */
  numberOf(common: Common): number {
    const ofKey = this.#byKey.get(common.key)
    if (ofKey) for (const one of ofKey) if (same(one, common)) return one.number
    return this.#add(common)
  }

  #add({ workspace, project, key, keyName, model, endpoint, operation, streamed }: Common): number {
    if (this.#count >= most) this.clear()
    const number = this.#next++
    const numbered = { number, workspace, project, key, keyName, model, endpoint, operation, streamed }
    const ofKey = this.#byKey.get(key)
    if (ofKey) ofKey.push(numbered)
    else this.#byKey.set(key, [numbered])
    this.#count++
    this.#frames.common(number, numbered)
    return number
  }
}

const same = (one: Common, other: Common): boolean =>
  one.model === other.model &&
  one.operation === other.operation &&
  one.streamed === other.streamed &&
  one.endpoint === other.endpoint &&
  one.workspace === other.workspace &&
  one.project === other.project &&
  one.keyName === other.keyName
