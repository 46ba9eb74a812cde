// Where a request would go now, and why not elsewhere: the same steps as a call takes, told instead of taken.
import { Fault } from '@switchyard/kinds'
import { tariffsFor } from './bill.ts'
import { candidates, kindOf } from './explain/candidates.ts'
import type {
  ExplainAsk,
  ExplainedRoute,
  ExplainedTier,
  Explanation,
  Standing,
} from './explain/explanation.ts'
import { sentencesOf } from './explain/sentences.ts'
import { standings } from './explain/standing.ts'
import { type Choice, explainTiers } from './explain/tiers.ts'
import { heldFor } from './hold.ts'
import type { House } from './house.ts'
import { Limited } from './limited.ts'
import type { Limits } from './limits.ts'
import { type Asked, findRoute, mayCall, resolve } from './resolve.ts'
import type { Route } from './route.ts'
import type { Principal, Snapshot } from './snapshot.ts'

type Explaining = Pick<House, 'snapshot' | 'traffic' | 'clock' | 'random' | 'uuid' | 'limits' | 'admissions'>

export async function explain(house: Explaining, ask: ExplainAsk): Promise<Explanation> {
  const { workspace, model } = ask
  const now = house.clock()
  const snapshot = house.snapshot()
  const found = ask.key === undefined ? undefined : principalOf(snapshot, workspace, ask.key)
  const principal = found ?? anyone(workspace, ask.key ?? '')
  const asked = askedOf(ask)
  const route = findRoute(model, principal, snapshot, asked)
  const routes = snapshot.routes.get(workspace)
  const refused =
    refusalOf(ask, found, () => resolve(model, principal, snapshot, asked), now) ??
    unpriced(principal, model, snapshot, now)
  const facts = { now, random: house.random, streamed: ask.streamed ?? false, session: ask.session }
  // A choice is told wherever there are upstreams, also when the key is what is wrong.
  const choice = route && explainTiers(house.traffic(route).at(route).tiers, facts)
  const limits: readonly Standing[] = found
    ? await standings(found, model, house.admissions, house.uuid(), now)
    : []
  const explained: Omit<Explanation, 'sentences'> = {
    workspace,
    model,
    at: now,
    verdict: refused ? refusal(refused) : verdictOf(route, choice),
    key:
      ask.key === undefined
        ? undefined
        : {
            name: ask.key,
            project: found?.project ?? null,
            refusal: found ? (refusalWord(found, now) ?? undefined) : 'unknown',
            mayCall:
              found !== undefined && (mayCall(found, model) || (route ? mayCall(found, route.name) : false)),
          },
    candidates: routes ? candidates(model, routes, principal, asked, route) : [],
    route: route && routeOf(route, choice?.tiers ?? [], house.limits),
    limits,
  }
  return Object.freeze({ ...explained, sentences: sentencesOf(explained, ask.session === undefined) })
}

function principalOf({ keys }: Snapshot, workspace: string, name: string): Principal | undefined {
  for (const { principal } of keys.values())
    if (principal.workspace === workspace && principal.keyName === name) return principal
  return undefined
}

/** A caller of whom nothing is known but where it calls. */
function anyone(workspace: string, keyName: string): Principal {
  return {
    id: '',
    workspace,
    project: null,
    currency: '',
    key: '',
    owner: 'system:unknown',
    keyName,
    models: undefined,
    expiresAt: Number.POSITIVE_INFINITY,
    refusal: undefined,
    limited: new Limited([]),
    billing: undefined,
    addresses: [],
  }
}

function askedOf({ headers = {}, tags = [], metadata = {} }: ExplainAsk): Asked {
  return { headers: Object.entries(headers).flat(), tags, metadata: name => metadata[name] }
}

const refusalWord = ({ refusal, expiresAt }: Principal, now: number) =>
  refusal ?? (expiresAt <= now ? 'expired' : undefined)

/** The first refusal that a call would meet before an upstream is chosen. */
function refusalOf(
  { key }: ExplainAsk,
  found: Principal | undefined,
  tryResolve: () => Route,
  now: number,
): Fault | undefined {
  if (key !== undefined && !found)
    return new Fault(
      'unauthenticated',
      `There is no API key ${key} in this workspace, or it has no secret.`,
      {
        reason: 'invalid_api_key',
      },
    )
  const word = found && refusalWord(found, now)
  if (word !== undefined)
    return new Fault('unauthenticated', `The API key ${key ?? ''} is not accepted: ${keyRefusals[word]}.`, {
      reason: word,
    })
  try {
    tryResolve()
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

/** Why a chat with it would be refused for the want of a price. */
function unpriced(
  { limited, workspace }: Principal,
  model: string,
  { prices }: Snapshot,
  at: number,
): Fault | undefined {
  const { currencies } = limited.above(model, at)
  const found = tariffsFor(currencies, { operation: 'chat.completions', workspace, model, at }, prices)
  return found instanceof Fault ? found : undefined
}

const keyRefusals = {
  disabled: 'it is disabled',
  expired: 'it has expired',
  owner_disabled: 'its owner is disabled or gone',
  workspace_suspended: 'its workspace is suspended',
  project_archived: 'its project is archived',
  not_permitted: 'its owner and its scopes do not hold inference:call',
} as const satisfies Record<NonNullable<Principal['refusal']>, string>

/** Of a request that may be sent on. */
function verdictOf(route: Route | undefined, choice: Choice | undefined): Explanation['verdict'] {
  if (choice?.chosen) return { type: 'served', upstream: choice.chosen.to.name, tier: choice.chosen.tier }
  const held = route && heldFor(route)
  if (held) return { type: 'held', endpoint: held.name, seconds: held.hold.milliseconds / 1000 }
  return refusal(choice?.refusal ?? new Fault('internal', 'Nothing was chosen, and nobody said why.'))
}

const refusal = ({ code, reason, message }: Fault): Explanation['verdict'] => ({
  type: 'refused',
  code,
  reason,
  message,
})

function routeOf(route: Route, tiers: readonly ExplainedTier[], limits: Limits): ExplainedRoute {
  const { firstContent, idle, stall, total } = { ...limits, ...route.times }
  const { guards } = route.guarding
  const rules = new Map<string, ExplainedRoute['guardrails'][number]>()
  for (const stage of ['request', 'response'] as const)
    for (const { name, kind, action } of guards?.[stage].rules ?? [])
      rules.set(name, { name, kind, action, stages: [...(rules.get(name)?.stages ?? []), stage] })
  return {
    id: route.id,
    kind: kindOf(route),
    name: route.name,
    tiers,
    attempts: route.attempts ?? limits.attempts,
    timeouts: { connect: limits.connect, firstContent, idle, stall, total },
    hedgePercent: route.hedge?.percent,
    shadow: route.shadow && { percent: route.shadow.percent, upstream: route.shadow.upstream.name },
    onContextLength: route.onContextLength,
    onContentFilter: route.onContentFilter,
    strict: route.strict,
    guardrails: [...rules.values()],
    cache: route.cache && {
      mode: route.cache.mode,
      scope: route.cache.scope,
      ttlSeconds: route.cache.ttlSeconds,
    },
  }
}
