// Documents as YAML: written, read with what is wrong in the text, and found again by path.
import { isMap, isScalar, isSeq, type Node, parseDocument, stringify } from 'yaml'
import type { Problem } from '../parts/code-mirror.tsx'
import { isRecord, type Members } from './json.ts'

/** Lines are as long as their values. */
export const yamlOf = (value: unknown): string => stringify(value, { lineWidth: 0 })

export interface Read {
  /** Absent where the text is none. */
  readonly value?: Members
  readonly problems: readonly Problem[]
}

/** `notOne` is said of a text that is YAML and no document. */
export function readYaml(text: string, notOne: string): Read {
  const document = parseDocument(text)
  if (document.errors.length > 0)
    return {
      problems: document.errors.map(({ pos: [from, to], message }) => ({
        from,
        to,
        message: message.split('\n')[0] ?? message,
      })),
    }
  const value: unknown = document.toJS()
  const isDocument = isRecord(value) && isRecord(value.metadata ?? {}) && isRecord(value.spec ?? {})
  return isDocument ? { value, problems: [] } : { problems: [{ from: 0, to: text.length, message: notOne }] }
}

/** Offsets of what stands at a dotted path, or of the nearest that is there. Keys may hold dots themselves. */
export function rangeOf(text: string, path: string): { readonly from: number; readonly to: number } {
  let node: unknown = parseDocument(text).contents
  let steps = path.split('.').filter(step => step !== '')
  let found: Node | undefined
  while (steps.length > 0) {
    if (isMap(node)) {
      const { items } = node
      const longest = steps
        .map((_, place) => steps.slice(0, steps.length - place))
        .flatMap(taken => {
          const item = items.find(({ key }) => isScalar(key) && String(key.value) === taken.join('.'))
          return item ? [{ taken, item }] : []
        })[0]
      if (!longest) break
      if (isScalar(longest.item.key)) found = longest.item.key
      node = longest.item.value
      steps = steps.slice(longest.taken.length)
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(steps[0])]
      if (!isMap(item) && !isScalar(item) && !isSeq(item)) break
      found = item
      node = item
      steps = steps.slice(1)
    } else break
  }
  const [from, to] = found?.range ?? [0, 0]
  return { from, to }
}

/** Counted from 1. */
export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length
