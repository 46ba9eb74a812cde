// What routes of one file make of each other: names that no request reaches, loops, targets that get nothing.
import { type DocumentOf, endpoint, provider, route } from '@switchyard/kinds'
import { nearest } from './nearest.ts'
import { type Problem, problemAt } from './problem.ts'
import { type Entry, keyOf } from './read.ts'

type RouteSpec = DocumentOf<typeof route>['spec']

interface Named {
  readonly entry: Entry
  readonly spec: RouteSpec
  /** Every request with its name is its own. */
  readonly open: boolean
}

function routesOf(entries: readonly Entry[]): readonly Named[] {
  return entries.flatMap(entry => {
    if (entry.kind.kind !== route.kind) return []
    const { success, data } = route.spec.safeParse(entry.manifest.spec ?? {})
    return success ? [{ entry, spec: data, open: data.match === undefined && data.access === undefined }] : []
  })
}

const sameMatch = (one: Named, other: Named) =>
  JSON.stringify(one.spec.match ?? {}) === JSON.stringify(other.spec.match ?? {})
const isWild = (name: string) => name.endsWith('*')
const fits = (pattern: string, name: string) => isWild(pattern) && name.startsWith(pattern.slice(0, -1))

/** Names that another route takes whole, and wildcards that do not win where one may think so. */
export function hiddenNames(entries: readonly Entry[]): readonly Problem[] {
  const routes = routesOf(entries)
  const problems = routes.flatMap(one =>
    one.spec.names.flatMap((name, place): readonly Problem[] => {
      const path = `spec.names[${place}]`
      const beside = routes.filter(
        other =>
          other !== one && other.entry.workspace === one.entry.workspace && other.spec.names.includes(name),
      )
      const equal = beside.find(
        other =>
          other.spec.priority === one.spec.priority && sameMatch(one, other) && before(other, one, entries),
      )
      if (equal) {
        const message = `Route ${equal.entry.name} already has the name ${name} for the same requests: choose another name, or give one of them a match or another priority`
        return [problemAt(one.entry.place, { path, rule: 'unique', message })]
      }
      const above = beside.find(
        other =>
          other.open &&
          (other.spec.priority > one.spec.priority ||
            (other.spec.priority === one.spec.priority &&
              !sameMatch(one, other) &&
              other.entry.name < one.entry.name)),
      )
      if (above) {
        const message = `no request reaches it by ${name}: Route ${above.entry.name} of priority ${above.spec.priority} takes every one`
        return [problemAt(one.entry.place, { path, rule: 'unreachable', message }, 'warning')]
      }
      return shadowed(one, name, path, routes)
    }),
  )
  return [...problems, ...hiddenEndpoints(entries, routes)]
}

const before = (one: Named, other: Named, entries: readonly Entry[]) =>
  entries.indexOf(one.entry) < entries.indexOf(other.entry)

/** A longer name wins over a wildcard, whatever the priorities say. */
function shadowed(one: Named, name: string, path: string, routes: readonly Named[]): readonly Problem[] {
  if (!isWild(name)) return []
  return routes
    .filter(
      other =>
        other !== one &&
        other.entry.workspace === one.entry.workspace &&
        other.spec.priority < one.spec.priority,
    )
    .flatMap(other =>
      other.spec.names
        .filter(longer => longer !== name && fits(name, longer.replace(/\*$/, '')))
        .map(longer => {
          const message = `${longer} of Route ${other.entry.name} wins over ${name}, although its priority is lower: the longer name is looked at first`
          return problemAt(one.entry.place, { path, rule: 'shadowed', message }, 'warning')
        }),
    )
}

/** An endpoint is reached by its own name only where no route has it. */
function hiddenEndpoints(entries: readonly Entry[], routes: readonly Named[]): readonly Problem[] {
  return entries.flatMap(entry => {
    if (entry.kind.kind !== endpoint.kind) return []
    const { success, data } = endpoint.spec.safeParse(entry.manifest.spec ?? {})
    if (!success || data.route !== 'auto') return []
    const above = routes.find(
      ({ entry: of, spec, open }) =>
        open &&
        of.workspace === entry.workspace &&
        spec.names.includes(entry.name) &&
        !leadsTo(spec, entry.name),
    )
    if (!above) return []
    const message = `requests for ${entry.name} go to Route ${above.entry.name}, which does not lead here: rename one of them, or set spec.route to none`
    return [problemAt(entry.place, { path: 'metadata.name', rule: 'unreachable', message }, 'warning')]
  })
}

const leadsTo = ({ tiers }: RouteSpec, name: string) =>
  tiers.some(({ targets }) => targets.some(target => target.endpoint === name))

const weighed: ReadonlySet<string> = new Set(['weighted', 'least_load', 'session', 'cost'])

/** Targets without a share, and shares that nobody looks at. */
export function idleTargets(entries: readonly Entry[]): readonly Problem[] {
  return routesOf(entries).flatMap(({ entry, spec }) => {
    const say = (path: string, rule: string, message: string) =>
      problemAt(entry.place, { path, rule, message }, 'warning')
    const tiers = spec.tiers.flatMap(({ strategy, targets }, tier) => {
      const at = `spec.tiers[${tier}]`
      const idle = targets.flatMap(({ weight }, place) =>
        weight === 0
          ? [say(`${at}.targets[${place}].weight`, 'idle', 'gets no request while its weight is 0')]
          : [],
      )
      const uneven = new Set(targets.map(({ weight }) => weight).filter(weight => weight > 0)).size > 1
      if (weighed.has(strategy) || !uneven) return idle
      return [
        ...idle,
        say(
          `${at}.strategy`,
          'weight_unused',
          `${strategy} does not look at weights: use weighted, or leave them out`,
        ),
      ]
    })
    const targets = spec.tiers.flatMap(tier => tier.targets)
    const alone = targets.length === 1 && targets[0]?.provider !== undefined
    if (!spec.hedge || !alone) return tiers
    return [
      ...tiers,
      say('spec.hedge', 'idle', 'a second copy needs a second target: add one, or leave hedge out'),
    ]
  })
}

/** Routes that take over from each other in a circle. */
export function fallbackLoops(entries: readonly Entry[]): readonly Problem[] {
  const routes = new Map(routesOf(entries).map(one => [keyOf(one.entry), one]))
  const told = new Set<string>()
  return [...routes.values()].flatMap(first =>
    (['onContextLength', 'onContentFilter'] as const).flatMap(reason => {
      const names = [first.entry.name]
      let next = follow(first, reason, routes)
      while (next && next !== first && !names.includes(next.entry.name)) {
        names.push(next.entry.name)
        next = follow(next, reason, routes)
      }
      if (next !== first || names.length < 2) return []
      const circle = `${reason} ${names.toSorted().join()}`
      if (told.has(circle)) return []
      told.add(circle)
      const path = `spec.fallback.${reason}`
      const message = `leads back here: ${[...names, first.entry.name].join(' -> ')}; take one of them out`
      return [problemAt(first.entry.place, { path, rule: 'loop', message })]
    }),
  )
}

function follow(
  { entry, spec }: Named,
  reason: 'onContextLength' | 'onContentFilter',
  routes: ReadonlyMap<string, Named>,
): Named | undefined {
  const name = spec.fallback[reason]
  return name === undefined ? undefined : routes.get(keyOf({ ...entry, name }))
}

/** A target's model that its provider does not list: it passes as it is named, which is seldom meant. */
export function unknownModels(
  entries: readonly Entry[],
  byKey: ReadonlyMap<string, Entry>,
): readonly Problem[] {
  return routesOf(entries).flatMap(({ entry, spec }) =>
    spec.tiers.flatMap(({ targets }, tier) =>
      targets.flatMap(({ provider: name, model }, place) => {
        if (name === undefined || model === undefined) return []
        const shared = name.startsWith('platform/')
        const target = byKey.get(
          keyOf({
            kind: provider as unknown as Entry['kind'], // a Kind of one schema is not a Kind of every schema
            workspace: shared ? null : entry.workspace,
            name: shared ? name.slice('platform/'.length) : name,
          }),
        )
        const parsed = target && provider.spec.safeParse(target.manifest.spec ?? {})
        const models = parsed?.success ? parsed.data.models.map(one => one.name) : []
        if (models.length === 0 || models.includes(model)) return []
        const near = nearest(model, models)
        const guess = near ? `; did you mean ${near}?` : `; it lists ${models.slice(0, 5).join(', ')}`
        const message = `Provider ${name} does not list ${model}, which is passed on as it is${guess}`
        const path = `spec.tiers[${tier}].targets[${place}].model`
        return [problemAt(entry.place, { path, rule: 'unknown_model', message }, 'warning')]
      }),
    ),
  )
}
