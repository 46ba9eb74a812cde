// Text as rules compare it: NFKC, case folded, without characters that cannot be seen; and for each unit where it
// stood in the original. It is folded cluster by cluster, so that any split of the text gives the same.

const unknown = 0
const plain = 1
const invisible = 2
const extending = 3
const other = 4

const invisibleForm = /^\p{Default_Ignorable_Code_Point}$/u
/** Marks, Korean letters and half-width voicing marks join what stands before them. */
const extendingForm = /^[\p{M}\u1160-\u11ff\u3131-\u318e\uff9e\uff9f\uffa1-\uffdc]$/u

/** Class of each UTF-16 unit, asked once; and what a plain one folds to. */
const classes = new Uint8Array(0x10000)
const folded = new Uint16Array(0x10000)

/** A cluster longer than this is cut, as hostile text alone has such. */
const clusterUnits = 32

const astral = new Map<string, string>()
const astralSize = 4096

/** One cluster as it is compared. Upper case first: ß and ss, ſ and s are one. */
function foldCluster(text: string): string {
  return text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}

function foldAstral(text: string): string {
  const known = astral.get(text)
  if (known !== undefined) return known
  const made = foldCluster(text)
  if (astral.size >= astralSize) astral.clear()
  astral.set(text, made)
  return made
}

function classOf(unit: number): number {
  const known = classes[unit]
  if (known !== undefined && known !== unknown) return known
  const made = classify(unit)
  classes[unit] = made
  return made
}

function classify(unit: number): number {
  const text = String.fromCharCode(unit)
  // Control characters other than white space are seen as little as those of Unicode.
  if (unit < 0x20 ? unit < 9 || unit > 13 : unit === 0x7f) return invisible
  if (unit >= 0xd800 && unit <= 0xdfff) return other
  if (invisibleForm.test(text)) return invisible
  if (extendingForm.test(text)) return extending
  const fold = foldCluster(text)
  if (fold.length !== 1) return other
  folded[unit] = fold.charCodeAt(0)
  return plain
}

const nothing = ''

/** A window of folded text that grows at its end and is let go of at its start. */
export class Folded {
  units = new Uint16Array(256)
  /** Units in the window. */
  length = 0
  /** Folded units that have left the window before it. */
  base = 0
  #from = new Uint32Array(256)
  #to = new Uint32Array(256)
  /** Original units taken so far. */
  #taken = 0
  /** First half of a surrogate pair. */
  #high = 0
  /** The cluster that may still grow; its unit alone where it is one plain unit. */
  #unit = -1
  #cluster = nothing
  #start = 0
  #end = 0

  push(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      const at = this.#taken++
      if (this.#high === 0) {
        const kind = classes[unit] || classOf(unit)
        if (kind === plain) {
          this.#flush()
          index = this.#plain(text, index)
          continue
        }
        if (kind === invisible) continue
        if (kind === extending) this.#extend(String.fromCharCode(unit), at, at + 1)
        else if (unit >= 0xd800 && unit <= 0xdbff) this.#high = unit
        else this.#begin(String.fromCharCode(unit), at, at + 1)
        continue
      }
      const high = this.#high
      this.#high = 0
      if (unit >= 0xdc00 && unit <= 0xdfff) {
        const pair = String.fromCharCode(high, unit)
        if (extendingForm.test(pair)) this.#extend(pair, at - 1, at + 1)
        else if (!invisibleForm.test(pair)) this.#begin(pair, at - 1, at + 1)
        continue
      }
      this.#begin(String.fromCharCode(high), at - 1, at)
      this.#taken = at
      index--
    }
  }

  /** Nothing more comes. */
  close(): void {
    if (this.#high !== 0) this.#begin(String.fromCharCode(this.#high), this.#taken - 1, this.#taken)
    this.#high = 0
    this.#flush()
  }

  /** Where a folded unit begins in the original; past the last one, what is not folded yet. */
  startOf(position: number): number {
    const index = position - this.base
    if (index < this.length) return this.#from[index] ?? 0
    if (this.#unit >= 0 || this.#cluster !== nothing) return this.#start
    return this.#taken - (this.#high === 0 ? 0 : 1)
  }

  /** Where the original ends of the text that ends before a folded unit. */
  endOf(position: number): number {
    return this.#to[position - 1 - this.base] ?? 0
  }

  slice(from: number, to: number): string {
    const bytes = this.units.subarray(from - this.base, to - this.base)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le')
  }

  /** Lets go of what stands before a position, when it is worth the move. */
  release(before: number): void {
    const count = before - this.base
    if (count < 512 || count * 2 < this.length) return
    this.units.copyWithin(0, count, this.length)
    this.#from.copyWithin(0, count, this.length)
    this.#to.copyWithin(0, count, this.length)
    this.length -= count
    this.base = before
  }

  /** Takes a run of plain units, of which the last may still grow; gives its place. */
  #plain(text: string, first: number): number {
    while (this.units.length < this.length + text.length - first) this.#grow()
    const { units } = this
    const from = this.#from
    const to = this.#to
    let length = this.length
    let at = this.#taken
    let index = first
    let unit = text.charCodeAt(index)
    for (; index + 1 < text.length; index++) {
      const next = text.charCodeAt(index + 1)
      if (classes[next] !== plain) break
      units[length] = folded[unit] ?? 0
      from[length] = at - 1
      to[length++] = at++
      unit = next
    }
    this.length = length
    this.#taken = at
    this.#unit = unit
    this.#start = at - 1
    this.#end = at
    return index
  }

  #begin(text: string, start: number, end: number): void {
    this.#flush()
    this.#cluster = text
    this.#start = start
    this.#end = end
  }

  #extend(text: string, start: number, end: number): void {
    if (this.#unit >= 0) {
      this.#cluster = String.fromCharCode(this.#unit)
      this.#unit = -1
    }
    if (this.#cluster === nothing || this.#cluster.length >= clusterUnits) this.#begin(text, start, end)
    else {
      this.#cluster += text
      this.#end = end
    }
  }

  #flush(): void {
    if (this.#unit >= 0) {
      this.#append(folded[this.#unit] ?? 0)
      this.#unit = -1
    } else if (this.#cluster !== nothing) {
      const text = this.#cluster.length === 2 ? foldAstral(this.#cluster) : foldCluster(this.#cluster)
      this.#cluster = nothing
      for (let index = 0; index < text.length; index++) this.#append(text.charCodeAt(index))
    }
  }

  #append(unit: number): void {
    const index = this.length
    if (index === this.units.length) this.#grow()
    this.units[index] = unit
    this.#from[index] = this.#start
    this.#to[index] = this.#end
    this.length = index + 1
  }

  #grow(): void {
    const size = this.units.length * 2
    const units = new Uint16Array(size)
    const from = new Uint32Array(size)
    const to = new Uint32Array(size)
    units.set(this.units)
    from.set(this.#from)
    to.set(this.#to)
    this.units = units
    this.#from = from
    this.#to = to
  }
}

/** A whole text as it is compared. */
export function fold(text: string): string {
  const all = new Folded()
  all.push(text)
  all.close()
  return all.slice(0, all.length)
}
