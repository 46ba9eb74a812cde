// Who is named in an entry, and where. What names a person leaves the text of the entry and stands sealed in its member
// `personal`, under a key of that person's own: with the key it is read, and without it nobody reads it any more, while
// the hash of the entry holds. A place that is sealed says `person:ID`.
import type { PersonKey, Persons } from '@switchyard/runtime'
import { canonical, type Json } from '../canonical.ts'

type Members = { readonly [name: string]: Json | undefined }

/** Member by member, or the index of an item. */
type Place = readonly string[]

/** A value of an entry that tells something of a person. */
export interface Telling {
  /** `user:ann`, `email:ann@example.com`, `issuer:okta/ann`. */
  readonly who: string
  readonly place: Place
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

const actorId: Place = ['actor', 'id']
const actorName: Place = ['actor', 'name']
const onBehalfOf: Place = ['actor', 'on_behalf_of']
const originIp: Place = ['origin', 'ip']
const originAgent: Place = ['origin', 'agent']
const subjectPlace: Place = ['subject']
const resourceName: Place = ['resource', 'name']
const diffPlace: Place = ['diff']

const nothing: Members = {}
const membersOf = (value: Json | undefined): Members => (isMembers(value) ? value : nothing)

/** In the order in which the entry has them; a whole diff of a person's own document is one of them. */
export function tellingsOf(entry: Members): readonly Telling[] {
  const found: Telling[] = []
  const tell = (who: string | undefined, place: Place, value: Json | undefined) => {
    if (who !== undefined && value !== undefined && value !== null) found.push({ who, place, value })
  }
  const actor = membersOf(entry.actor)
  const origin = membersOf(entry.origin)
  const { kind, name } = membersOf(entry.resource)
  const acting = personOf(actor.id)
  const behalf = personOf(actor.on_behalf_of)
  const subject = personOf(entry.subject)
  tell(acting, actorId, actor.id)
  tell(acting, actorName, actor.name)
  tell(behalf, onBehalfOf, actor.on_behalf_of)
  tell(subject, subjectPlace, entry.subject)
  const caller = acting ?? behalf ?? subject
  tell(caller, originIp, origin.ip)
  tell(caller, originAgent, origin.agent)
  const whole =
    typeof kind === 'string' && own.has(kind) && typeof name === 'string' ? addressee(name) : undefined
  tell(whole, resourceName, name)
  if (whole) tell(whole, diffPlace, entry.diff)
  else walk(entry.diff ?? null, diffPlace, found)
  return found
}

/** Principals and mail addresses that stand as values of their own, and names beside `kind: User`. */
function walk(value: Json, place: Place, found: Telling[]): void {
  if (typeof value === 'string') {
    if (principal.test(value)) found.push({ who: value, place, value })
    else if (value.includes('@') && mail.test(value))
      found.push({ who: `email:${value.toLowerCase()}`, place, value })
  } else if (isList(value))
    for (const [at, item] of value.entries()) walk(item, [...place, String(at)], found)
  else if (isMembers(value))
    for (const name of Object.keys(value)) {
      const held = value[name]
      if (held === undefined) continue
      if (name === 'name' && value.kind === 'User' && typeof held === 'string')
        found.push({ who: `user:${held}`, place: [...place, name], value: held })
      else walk(held, [...place, name], found)
    }
}

/** Under which key somebody's entries are; undefined leaves them as they are. */
export type KeyOf = (who: string) => PersonKey | undefined

/** The same entry with what it tells of persons sealed, or gone where the key is. */
export function sealPersons(entry: Members, keyOf: KeyOf, tellings = tellingsOf(entry)): Members {
  const of = new Map<string, Sealing>()
  const placed: Placed[] = []
  for (const { who, place, value } of tellings) {
    const key = keyOf(who)
    if (!key) continue
    const one = of.get(key.id) ?? { key, told: [] }
    of.set(key.id, one)
    one.told.push([pointerOf(place), value])
    placed.push([place, personPrefix + key.id])
  }
  if (placed.length === 0) return entry
  const personal: Record<string, string> = {}
  let isSealed = false
  for (const { key, told } of of.values()) {
    if (!key.seal) continue
    personal[key.id] = key.seal(JSON.stringify(told), boundTo(entry))
    isSealed = true
  }
  const sealed = put(entry, placed)
  return isSealed ? { ...sealed, personal } : sealed
}

interface Sealing {
  readonly key: PersonKey
  readonly told: (readonly [pointer: string, value: Json])[]
}

/** The entry with what its persons' keys open; of those without one `person:ID` stands on. */
export function openPersons(entry: Members, keys: ReadonlyMap<string, PersonKey>): Members {
  const { personal, ...rest } = entry
  if (!isMembers(personal)) return entry
  const placed: Placed[] = []
  for (const [id, text] of Object.entries(personal)) {
    const told = typeof text === 'string' ? keys.get(id)?.open(text, boundTo(entry)) : undefined
    if (told === undefined) continue
    // Why `as`: it was written by `sealPersons`, and opens for nobody else's.
    for (const [pointer, value] of JSON.parse(told) as readonly (readonly [string, Json])[])
      placed.push([steps(pointer), value])
  }
  return put(rest, placed)
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

/** RFC 6901. */
const pointerTo = (place: Place): string => `/${place.map(escaped).join('/')}`
/** Of the places that nearly every entry has. */
const pointers = new Map(
  [actorId, actorName, onBehalfOf, originIp, originAgent, subjectPlace, resourceName, diffPlace].map(
    place => [place, pointerTo(place)],
  ),
)
const pointerOf = (place: Place): string => pointers.get(place) ?? pointerTo(place)
const steps = (pointer: string): Place =>
  pointer
    .slice(1)
    .split('/')
    .map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))

type Placed = readonly [place: Place, value: Json]
type Open = Record<string, Json | undefined>

/** The entry with other values at places of it, and one that it does not have passed over. What holds none is shared. */
function put(entry: Members, placed: readonly Placed[]): Members {
  const root: Open = { ...entry }
  const own = new Set<object>()
  for (const [place, value] of placed) {
    let holder: Open | undefined = root
    for (const step of place.slice(0, -1)) {
      if (holder === undefined) break
      holder = opened(holder, step, own)
    }
    const last = place.at(-1)
    if (holder && last !== undefined && holder[last] !== undefined) holder[last] = value
  }
  return root
}

/** What a member holds, as a copy that is ours to write. */
function opened(holder: Open, step: string, own: Set<object>): Open | undefined {
  const held = holder[step]
  if (typeof held !== 'object' || held === null) return undefined
  if (own.has(held)) return held as Open // a copy of ours
  const copy = (isList(held) ? [...held] : { ...held }) as Json
  own.add(copy as object)
  holder[step] = copy
  return copy as Open // a list is written by its indices
}
