// Where in a file something stands, so that an error can be found by its line.
import { isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Document as Yaml } from 'yaml'

export interface Place {
  readonly file: string
  /** As the document says; undefined where it does not. */
  readonly kind: string | undefined
  /** From 1; undefined for a file of one document. */
  readonly document: number | undefined
  /** Line and column, from 1, of the deepest part of a dotted path that is there. */
  readonly at: (path: string) => { readonly line: number; readonly column: number } | undefined
  readonly line: (path: string) => number | undefined
}

const text = (key: unknown) => (isScalar(key) ? String(key.value) : undefined)

/** Parts of `spec.versions[0].binary`; a key may hold dots itself, so parts are joined again while walking. */
const parts = (path: string) =>
  path
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter(Boolean)

export function placeIn(
  file: string,
  document: number | undefined,
  yaml: Yaml,
  lines: LineCounter,
  root: Node | null,
  kind?: string,
): Place {
  const offsetOf = (node: unknown) => (node as Partial<Node> | null)?.range?.[0] // keys and values of a parsed file are nodes

  function at(path: string): ReturnType<Place['at']> {
    let rest = parts(path)
    let node: unknown = root
    let found = offsetOf(root)
    while (rest.length > 0) {
      if (isAlias(node)) node = node.resolve(yaml)
      if (isMap(node)) {
        const { items } = node
        const lengths = rest.map((_, index) => rest.length - index)
        const match = lengths
          .map(length => {
            const key = rest.slice(0, length).join('.')
            return { length, pair: items.find(one => text(one.key) === key) }
          })
          .find(({ pair }) => pair !== undefined)
        if (!match?.pair) break
        found = offsetOf(match.pair.key) ?? found
        node = match.pair.value
        rest = rest.slice(match.length)
      } else if (isSeq(node)) {
        const item: unknown = node.items[Number(rest[0])]
        if (item === undefined) break
        found = offsetOf(item) ?? found
        node = item
        rest = rest.slice(1)
      } else break
    }
    if (found === undefined) return undefined
    const { line, col } = lines.linePos(found)
    return { line, column: col }
  }

  return { file, kind, document, at, line: path => at(path)?.line }
}

/** `endpoints.yaml:12 (document 3) spec.replicas: must be at most 1000` */
export function sentence(
  place: Pick<Place, 'file' | 'document' | 'line'>,
  path: string,
  message: string,
): string {
  const line = place.line(path)
  const where = line === undefined ? place.file : `${place.file}:${line}`
  const which = place.document === undefined ? '' : ` (document ${place.document})`
  return `${where}${which}${path === '' ? '' : ` ${path}`}: ${message}`
}
