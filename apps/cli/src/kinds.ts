// Kinds as people name them on the command line.
import type { Ref } from '@switchyard/client'
import { Fault, findKind, type Kind, kinds } from '@switchyard/kinds'

/** Edits (insert, delete, replace) between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

export function unknownKind(name: string): string {
  const near = kinds
    .map(({ kind, plural }) => ({
      kind,
      away: Math.min(...[kind, plural].map(word => distance(word.toLowerCase(), name.toLowerCase()))),
    }))
    .filter(({ away }) => away <= 3)
    .sort((a, b) => a.away - b.away)[0]
  const guess = near
    ? `; did you mean ${near.kind}?`
    : `; there are ${kinds.map(({ kind }) => kind).join(', ')}`
  return `there is no kind ${name}${guess}`
}

/** By kind, plural or short name, in any case. */
export function kindNamed(name: string): Kind {
  const kind = findKind(name)
  if (!kind) throw new Fault('invalid', `${unknownKind(name)} See \`switchyard explain\`.`.replace(/^t/, 'T'))
  return kind
}

/** A document as a person names it: `platform/NAME` is the platform's, any other is of the workspace. */
export function refNamed(kind: Kind, name: string, workspace: string): Ref & { readonly kind: Kind } {
  if (kind.scope === 'platform') return { kind, workspace: null, name: name.replace(/^platform\//, '') }
  if (kind.scope === 'either' && name.startsWith('platform/'))
    return { kind, workspace: null, name: name.slice('platform/'.length) }
  return { kind, workspace, name }
}

/** `endpoint chat bot`, `endpoint/chat model/tiny` or `endpoint,model`: kinds, and documents when any is named. */
export function readTargets(
  words: readonly string[],
  workspace: string,
): { readonly kinds: readonly Kind[]; readonly refs: readonly (Ref & { readonly kind: Kind })[] } {
  const [first = '', ...names] = words
  const slash = first.indexOf('/')
  if (slash !== -1) {
    const refs = words.map(word => {
      const at = word.indexOf('/')
      if (at === -1)
        throw new Fault(
          'invalid',
          `${word}: name every document as KIND/NAME, or the kind once as KIND NAME NAME.`,
        )
      return refNamed(kindNamed(word.slice(0, at)), word.slice(at + 1), workspace)
    })
    return { kinds: [...new Set(refs.map(({ kind }) => kind))], refs }
  }
  const named = [...new Set(first.split(',').filter(Boolean).map(kindNamed))]
  return { kinds: named, refs: named.flatMap(kind => names.map(name => refNamed(kind, name, workspace))) }
}
