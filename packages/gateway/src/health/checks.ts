// What active checks of one upstream add up to. Whoever asks the upstream, every 5 s, tells the answers here.

export type CheckState = 'unknown' | 'passing' | 'failing'

const goodToPass = 2
const badToFail = 3

/** Two good answers in a row pass, three bad ones fail; until then it stays as it was. */
export class Checks {
  #state: CheckState = 'unknown'
  #row = 0

  get state(): CheckState {
    return this.#state
  }

  told(good: boolean): void {
    if (good) this.#row = Math.max(1, this.#row + 1)
    else this.#row = Math.min(-1, this.#row - 1)
    if (this.#row >= goodToPass) this.#state = 'passing'
    else if (this.#row <= -badToFail) this.#state = 'failing'
  }
}
