// Kinds as people name them on the command line.
import type { Ref } from '@switchyard/client'
import { Fault, findKind, type Kind } from '@switchyard/kinds'
import { unknownKind } from '@switchyard/manifest/nearest'

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
