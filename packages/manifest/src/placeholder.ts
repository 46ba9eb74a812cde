// Values that a file names instead of holding: `${ENV:NAME}` and `${FILE:path}`, so that no secret stands in it.
// `$${` is a dollar sign and a brace.
import type { Detail } from '@switchyard/kinds'
import { dotted } from './check.ts'

/** Where placeholders are looked up; undefined is not there. */
export interface Lookup {
  readonly env: (name: string) => string | undefined
  /** The text of a file, relative to the one that names it. */
  readonly file: (path: string) => string | undefined
  /** `warning` where the values are known elsewhere only; an error by default. */
  readonly missing?: 'warning'
}

export interface Filled {
  readonly value: unknown
  readonly problems: readonly Detail[]
}

const placeholder = /\$\$\{|\$\{([^}]*)\}/g

/** Whether the text is one placeholder or holds one. */
export const holdsPlaceholder = (text: string): boolean => /(^|[^$])\$\{(ENV|FILE):[^}]+\}/.test(text)

function lookUp(inner: string, lookup: Lookup): { readonly text: string } | { readonly problem: string } {
  const [, source, name = ''] = /^(ENV|FILE):(.+)$/s.exec(inner) ?? []
  if (source === undefined)
    return {
      problem: `\${${inner}} is no placeholder: write \${ENV:NAME} or \${FILE:path}, or $\${ for the text`,
    }
  const found = source === 'ENV' ? lookup.env(name) : lookup.file(name)
  if (found === undefined)
    return {
      problem:
        source === 'ENV'
          ? `the environment variable ${name} is not set: set it where the server runs`
          : `the file ${name} cannot be read: make it readable where the server runs`,
    }
  // A file that was written by an editor ends in a line break, which belongs to no secret.
  const text = source === 'FILE' ? found.replace(/\r?\n$/, '') : found
  return text === '' ? { problem: `\${${inner}} is empty: give it a value` } : { text }
}

/** Fills every string of a document in; what it says of problems never holds a value. */
export function fillIn(value: unknown, lookup: Lookup): Filled {
  const problems: Detail[] = []
  const fill = (text: string, path: readonly PropertyKey[]) =>
    text.replace(placeholder, (whole, inner: string | undefined) => {
      if (inner === undefined) return '${'
      const found = lookUp(inner, lookup)
      if ('text' in found) return found.text
      problems.push({ path: dotted(path), rule: 'placeholder', message: found.problem })
      return whole
    })
  const walk = (part: unknown, path: readonly PropertyKey[]): unknown => {
    if (typeof part === 'string') return part.includes('${') ? fill(part, path) : part
    if (Array.isArray(part)) return part.map((item, index) => walk(item, [...path, index]))
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, walk(inner, [...path, key])]))
  }
  return { value: walk(value, []), problems }
}
