// Counters and histograms with bounded label sets: an array look-up and an addition on the way, text when scraped.
import type { MetricRow } from './names.ts'

export type Label = string | number

/** Label sets of one metric; beyond them open labels are `other`, and beyond as many again all of them are. */
const mostSets = 1000
const other = 'other'

interface Cell {
  readonly labels: string
  value: number
}

type Node = Map<Label, Node | Cell>

/** A counter, or the values of a gauge at one moment. */
export class Series {
  readonly #name: string
  readonly #row: MetricRow
  readonly #root: Node = new Map()
  readonly #cells: Cell[] = []
  #lone: Cell | undefined

  constructor(name: string, row: MetricRow) {
    this.#name = name
    this.#row = row
  }

  /** `values` stand in the order of the row's labels. */
  add(values: readonly Label[], by = 1): void {
    const cell = this.#cell(values)
    if (cell) cell.value += by
  }

  *lines(): Iterable<string> {
    yield header(this.#name, this.#row)
    for (const { labels, value } of this.#cells) yield `${this.#name}${labels} ${value}`
  }

  #cell(values: readonly Label[]): Cell | undefined {
    const { labels, open } = this.#row
    if (labels.length === 0) {
      this.#lone ??= this.#made('')
      return this.#lone
    }
    const known = this.#find(values)
    if (known) return known
    if (this.#cells.length < mostSets) return this.#add(values)
    const closed = values.map((value, i) => (open.includes(labels[i] ?? '') ? other : value))
    const folded = this.#find(closed)
    if (folded) return folded
    if (this.#cells.length < 2 * mostSets) return this.#add(closed)
    const none = labels.map(() => other)
    return this.#find(none) ?? this.#add(none)
  }

  #find(values: readonly Label[]): Cell | undefined {
    let node: Node | Cell | undefined = this.#root
    for (let i = 0; i < values.length && node; i++) node = (node as Node).get(values[i] as Label) // only the last level holds cells, and i < length
    return node as Cell | undefined // below as many levels as there are labels
  }

  #add(values: readonly Label[]): Cell {
    let node = this.#root
    for (const value of values.slice(0, -1)) {
      let below = node.get(value) as Node | undefined // above the last level stand maps
      if (!below) {
        below = new Map()
        node.set(value, below)
      }
      node = below
    }
    const cell = this.#made(labelled(this.#row.labels, values))
    node.set(values.at(-1) ?? '', cell)
    return cell
  }

  #made(labels: string): Cell {
    const cell = { labels, value: 0 }
    this.#cells.push(cell)
    return cell
  }
}

export class Histogram {
  readonly #name: string
  readonly #row: MetricRow
  readonly #counts: Float64Array
  #sum = 0

  constructor(name: string, row: MetricRow) {
    this.#name = name
    this.#row = row
    this.#counts = new Float64Array(row.bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds } = this.#row
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++ // bucket < length
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
  }

  *lines(): Iterable<string> {
    const name = this.#name
    yield header(name, this.#row)
    let count = 0
    for (const [i, bound] of this.#row.bounds.entries()) {
      count += this.#counts[i] ?? 0
      yield `${name}_bucket{le="${bound}"} ${count}`
    }
    count += this.#counts[this.#row.bounds.length] ?? 0
    yield `${name}_bucket{le="+Inf"} ${count}\n${name}_sum ${this.#sum}\n${name}_count ${count}`
  }
}

function header(name: string, { type, help }: MetricRow): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\')}\n# TYPE ${name} ${type}`
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

function labelled(names: readonly string[], values: readonly Label[]): string {
  const pairs = names.map(
    (name, i) => `${name}="${String(values[i]).replace(/[\\"\n]/g, found => escapes[found] ?? found)}"`,
  )
  return `{${pairs.join(',')}}`
}
