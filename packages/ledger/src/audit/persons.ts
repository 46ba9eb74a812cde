// Who is named in an entry, and where. What names a person leaves the text of the entry and stands sealed in its member
// `personal`, under a key of that person's own: with the key it is read, and without it nobody reads it any more, while
// the hash of the entry holds. A place that is sealed says `person:ID`.
import type { PersonKey, Persons } from '@switchyard/runtime'
import { canonical, type Json } from '../canonical.ts'

type Members = { readonly [name: string]: Json | undefined }

/** A value of an entry that tells something of a person. */
interface Telling {
  /** `user:ann`, `email:ann@example.com`, `issuer:okta/ann`. */
  readonly who: string
  /** RFC 6901. */
  readonly pointer: string
  readonly value: Json
}

const principal = /^(user|email|issuer):\S+$/
const mail = /^[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+$/
/** Kinds whose documents and links are of one person. */
const own: ReadonlySet<string> = new Set(['User', 'Invitation', 'PasswordReset'])

const isMembers = (value: Json | undefined): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')
const personOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && principal.test(value) ? value : undefined
const addressee = (name: string): string =>
  name.includes('@') ? `email:${name.toLowerCase()}` : `user:${name}`

export const personPrefix = 'person:'

/** In the order in which the entry has them; a whole diff of a person's own document is one of them. */
function tellingsOf(entry: Members): readonly Telling[] {
  const found: Telling[] = []
  const tell = (who: string | undefined, pointer: string, value: Json | undefined) => {
    if (who !== undefined && value !== undefined && value !== null) found.push({ who, pointer, value })
  }
  const [actor, origin, resource] = [entry.actor, entry.origin, entry.resource].map(one =>
    isMembers(one) ? one : {},
  )
  const [acting, behalf, subject] = [actor?.id, actor?.on_behalf_of, entry.subject].map(personOf)
  tell(acting, '/actor/id', actor?.id)
  tell(acting, '/actor/name', actor?.name)
  tell(behalf, '/actor/on_behalf_of', actor?.on_behalf_of)
  tell(subject, '/subject', entry.subject)
  const caller = acting ?? behalf ?? subject
  tell(caller, '/origin/ip', origin?.ip)
  tell(caller, '/origin/agent', origin?.agent)
  const { kind, name } = resource ?? {}
  const whole =
    typeof kind === 'string' && own.has(kind) && typeof name === 'string' ? addressee(name) : undefined
  tell(whole, '/resource/name', name)
  if (whole) tell(whole, '/diff', entry.diff)
  else walk(entry.diff ?? null, '/diff', found)
  return found
}

/** Principals and mail addresses that stand as values of their own, and names beside `kind: User`. */
function walk(value: Json, pointer: string, found: Telling[]): void {
  if (typeof value === 'string') {
    if (principal.test(value)) found.push({ who: value, pointer, value })
    else if (mail.test(value)) found.push({ who: `email:${value.toLowerCase()}`, pointer, value })
  } else if (isList(value)) for (const [at, item] of value.entries()) walk(item, `${pointer}/${at}`, found)
  else if (isMembers(value))
    for (const [name, held] of Object.entries(value)) {
      if (held === undefined) continue
      const place = `${pointer}/${escaped(name)}`
      if (name === 'name' && value.kind === 'User' && typeof held === 'string')
        found.push({ who: `user:${held}`, pointer: place, value: held })
      else walk(held, place, found)
    }
}

/** Whom the entry names. */
export const personsIn = (entry: Members): readonly string[] => tellingsOf(entry).map(({ who }) => who)

/** Under which key somebody's entries are; undefined leaves them as they are. */
export type KeyOf = (who: string) => PersonKey | undefined

/** The same entry with what it tells of persons sealed, or gone where the key is. */
export function sealPersons(entry: Members, keyOf: KeyOf): Members {
  const of = new Map<string, Sealing>()
  let sealed = entry
  for (const { who, pointer, value } of tellingsOf(entry)) {
    const key = keyOf(who)
    if (!key) continue
    const one = of.get(key.id) ?? { key, told: [] }
    of.set(key.id, one)
    one.told.push([pointer, value])
    sealed = put(sealed, steps(pointer), personPrefix + key.id) as Members // an object stays one
  }
  const personal: Record<string, string> = {}
  for (const { key, told } of of.values())
    if (key.seal) personal[key.id] = key.seal(JSON.stringify(told), boundTo(entry))
  return Object.keys(personal).length === 0 ? sealed : { ...sealed, personal }
}

interface Sealing {
  readonly key: PersonKey
  readonly told: (readonly [pointer: string, value: Json])[]
}

/** The entry with what its persons' keys open; of those without one `person:ID` stands on. */
export function openPersons(entry: Members, keys: ReadonlyMap<string, PersonKey>): Members {
  const { personal, ...rest } = entry
  if (!isMembers(personal)) return entry
  let opened: Members = rest
  for (const [id, text] of Object.entries(personal)) {
    const told = typeof text === 'string' ? keys.get(id)?.open(text, boundTo(entry)) : undefined
    if (told === undefined) continue
    // Why `as`: it was written by `sealPersons`, and opens for nobody else's.
    for (const [pointer, value] of JSON.parse(told) as readonly (readonly [string, Json])[])
      opened = put(opened, steps(pointer), value) as Members
  }
  return opened
}

/** Texts of entries, each with what is sealed in it opened. */
export async function openEntries(
  persons: Pick<Persons, 'opening'>,
  entries: readonly string[],
): Promise<readonly string[]> {
  const read = entries.map(entry => JSON.parse(entry) as Members) // our own canonical texts
  const ids = new Set(read.flatMap(({ personal }) => (isMembers(personal) ? Object.keys(personal) : [])))
  if (ids.size === 0) return entries
  const keys = await persons.opening([...ids])
  return read.map(entry => canonical(openPersons(entry, keys)))
}

const boundTo = ({ id }: Members): string => (typeof id === 'string' ? id : '')

const steps = (pointer: string): readonly string[] =>
  pointer
    .slice(1)
    .split('/')
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))

/** The value with another one at a place in it; the same where it has no such place. */
function put(value: Json, [step, ...more]: readonly string[], placed: Json): Json {
  if (step === undefined) return placed
  if (isList(value)) return value.map((item, at) => (String(at) === step ? put(item, more, placed) : item))
  if (!isMembers(value)) return value
  const held = value[step]
  return held === undefined ? value : { ...value, [step]: put(held, more, placed) }
}
