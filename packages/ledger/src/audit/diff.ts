// What changed between two states of a thing, as a JSON Patch (RFC 6902) without secrets.
import type { Json } from '../canonical.ts'

export type Operation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string }

type Members = { readonly [name: string]: Json | undefined }

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
const isMembers = (value: Json | undefined): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 6901. */
const segment = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')

/** Lists are replaced whole: their items have no names to tell them apart by. */
export function diffOf(before: Json, after: Json, path = ''): readonly Operation[] {
  if (!isMembers(before) || !isMembers(after))
    return same(before, after) ? [] : [{ op: 'replace', path, value: after }]
  const found: Operation[] = []
  compare(before, after, path, found)
  return found
}

/** Adds what differs to `found`: most members do not, and cost no list of their own. */
function compare(before: Members, after: Members, path: string, found: Operation[]): void {
  const names = Object.keys(before)
  for (const name of Object.keys(after)) if (!Object.hasOwn(before, name)) names.push(name)
  for (const name of names.sort()) {
    // A label may be called `constructor`.
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    const now = Object.hasOwn(after, name) ? after[name] : undefined
    if (old === now) continue
    const at = `${path}/${segment(name)}`
    if (now === undefined) found.push({ op: 'remove', path: at })
    else if (old === undefined) found.push({ op: 'add', path: at, value: now })
    else if (isMembers(old) && isMembers(now)) compare(old, now, at, found)
    else if (!same(old, now)) found.push({ op: 'replace', path: at, value: now })
  }
}

function same(a: Json, b: Json): boolean {
  if (a === b) return true
  if (isList(a) && isList(b)) return a.length === b.length && a.every((one, i) => same(one, b[i] ?? null))
  if (!isMembers(a) || !isMembers(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every(name => name in b && same(a[name] ?? null, b[name] ?? null))
  )
}

export const redacted = '[redacted]'

/** Documents hold no secrets; what a person put into one by mistake has such a name, or stands in a URL. */
const secretName = /pass(word|phrase)|secret|token$|api[-_]?key$|authorization|private[-_]?key/i
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi

/** The same value with what looks like a secret taken out. `name` is the member that holds it. */
export function redact(value: Json, name = ''): Json {
  if (typeof value === 'string')
    return secretName.test(name)
      ? redacted
      : value.includes('@')
        ? value.replace(userInfo, `$1${redacted}@`)
        : value
  if (isList(value)) return value.map(item => redact(item, name))
  if (!isMembers(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([member, held]) => [member, held === undefined ? held : redact(held, member)]),
  )
}

export function redactOperations(operations: readonly Operation[]): readonly Operation[] {
  return operations.map(operation =>
    operation.op === 'remove'
      ? operation
      : {
          ...operation,
          value: redact(operation.value, operation.path.slice(operation.path.lastIndexOf('/') + 1)),
        },
  )
}
