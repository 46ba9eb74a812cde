// Which routes a model's name could lead to, and why each is taken or not: the story that `findRoute` does not tell.
import { type Asked, headerValue, like, opens } from '../resolve.ts'
import type { Route } from '../route.ts'
import type { Principal, Routes } from '../snapshot.ts'
import type { Candidate } from './explanation.ts'

export const kindOf = ({ endpoint }: Route) => (endpoint === '' ? 'Route' : 'Endpoint')

/** In the order in which they are asked. */
export function candidates(
  name: string,
  { named, wildcards }: Routes,
  principal: Principal,
  asked: Asked,
  taken: Route | undefined,
): readonly Candidate[] {
  const plain = name.replace(/:latest$/, '')
  const exact = named.get(name) ?? named.get(plain) ?? []
  const wild = wildcards.filter(route => name.startsWith(route.name.slice(0, -1)))
  return [...exact, ...wild].map(route =>
    Object.freeze({
      id: route.id,
      kind: kindOf(route),
      name: route.name,
      priority: route.priority,
      taken: route === taken,
      says: says(route, principal, asked, taken),
    }),
  )
}

function says(route: Route, principal: Principal, asked: Asked, taken: Route | undefined): string {
  const who = `${kindOf(route)} ${route.id}`
  if (route === taken) {
    if (route.name.endsWith('*')) return `${who} is taken: its name ${route.name} fits.`
    const by = route.priority === 0 ? '' : `, by priority ${route.priority}`
    return `${who} is taken: it has the name ${route.name}${by}.`
  }
  if (!opens(route, principal)) return `${who} is not open to this key: ${openTo(route)}.`
  const missing = mismatch(route, asked)
  if (missing !== undefined) return `${who} is for other requests: ${missing}.`
  if (!taken) return `${who} would fit.`
  return `${who} is not needed: ${outranked(route, taken)}.`
}

function openTo({ access }: Route): string {
  const all = [
    ...(access?.projects ?? []).map(project => `project ${project}`),
    ...(access?.keys ?? []).map(key => `key ${key}`),
  ]
  return all.length === 0 ? 'it is open to none' : `it is open to ${all.join(', ')}`
}

/** What the request lacks for it; undefined when it matches. */
function mismatch({ match }: Route, asked: Asked): string | undefined {
  if (!match) return undefined
  const { headers = {}, metadata = {}, tags = [] } = match
  const tag = tags.find(one => !asked.tags.includes(one))
  if (tag !== undefined) return `they carry the tag ${tag}`
  for (const [name, pattern] of Object.entries(headers)) {
    const value = headerValue(asked.headers, name)
    if (value === undefined) return `they carry the header ${name}: ${pattern}`
    if (!like(pattern, value)) return `their header ${name} is ${pattern}, not ${value}`
  }
  for (const [name, pattern] of Object.entries(metadata)) {
    const value = asked.metadata(name)
    if (value === undefined) return `their metadata holds ${name}: ${pattern}`
    if (!like(pattern, value)) return `their metadata ${name} is ${pattern}, not ${value}`
  }
  return undefined
}

function outranked(route: Route, taken: Route): string {
  const other = `${kindOf(taken)} ${taken.id}`
  if (route.name.endsWith('*') && !taken.name.endsWith('*'))
    return `the exact name of ${other} goes before ${route.name}`
  if (route.name !== taken.name) return `${other} has the longer name ${taken.name}`
  if (kindOf(route) !== kindOf(taken))
    return `${other} has the same name, and a Route goes before an Endpoint`
  if (route.priority < taken.priority)
    return `${other} has priority ${taken.priority}, this one ${route.priority}`
  return `${other} of the same priority comes first by its name`
}
