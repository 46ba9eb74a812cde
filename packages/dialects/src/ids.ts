// Names and ids that a dialect's grammar does not take are mapped by a stable hash, so that a call and its result
// map alike in every request, without a memory.
import { createHash } from 'node:crypto'
import type { Delta, Tool } from './conversation.ts'

/** 24 hexadecimal digits that stand for a text. */
export function stableHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24)
}

/** The id itself where the dialect takes it, else `prefix` and a hash of it. */
export function fitId(id: string, grammar: RegExp, prefix: string): string {
  return grammar.test(id) ? id : `${prefix}${stableHash(id)}`
}

/** The tool's name where the dialect takes it, else its allowed letters and a hash that keeps it apart. */
export function fitName(name: string, grammar: RegExp): string {
  if (grammar.test(name)) return name
  return `${name.replace(/[^A-Za-z0-9_]/g, '_').slice(0, 40)}_${stableHash(name).slice(0, 8)}`
}

/** Puts the caller's names back into what an upstream answered, for the tools that `fit` had renamed. */
export function restoreNames(tools: readonly Tool[], fit: (name: string) => string): (delta: Delta) => Delta {
  const given = new Map(tools.map(({ name }) => [fit(name), name] as const).filter(([a, b]) => a !== b))
  return delta => {
    if (delta.type !== 'open' || delta.kind !== 'tool') return delta
    const name = given.get(delta.name)
    return name === undefined ? delta : { ...delta, name }
  }
}
