// An explanation in English, in the order in which a call is decided.
import type { ExplainedRoute, ExplainedTier, Explanation, Standing } from './explanation.ts'

const seconds = (milliseconds: number) => `${Number((milliseconds / 1000).toFixed(3))} s`

const words = {
  weighted: 'by their weights',
  least_load: 'the least busy one',
  latency: 'the faster of two',
  cost: 'the cheapest one',
  prefix: 'the one that knows the beginning of the prompt',
  session: 'the one of the session',
} as const satisfies Record<ExplainedTier['strategy'], string>

/** `drawn`: no session keeps the request at one upstream. */
export function sentencesOf(of: Omit<Explanation, 'sentences'>, drawn: boolean): readonly string[] {
  const { verdict, key, candidates, route, limits, model, workspace, at } = of
  const asked = key === undefined ? '' : ` with the key ${key.name}`
  const first = `A request for ${model} in ${workspace}${asked} would ${verdictWords(verdict, drawn ? route : undefined)}`
  const none = candidates.length === 0 ? [`No route and no endpoint has the name ${model}.`] : []
  return [
    first,
    ...none,
    ...candidates.map(({ says }) => says),
    ...(route ? routeSentences(route) : []),
    ...limits.map(limit => limitSentence(limit, at)),
    ...(key !== undefined && key.refusal === undefined && limits.length === 0
      ? ['No limit stands above this key.']
      : []),
  ]
}

function verdictWords(verdict: Explanation['verdict'], drawn: ExplainedRoute | undefined): string {
  switch (verdict.type) {
    case 'served':
      return `go to ${verdict.upstream}, in tier ${verdict.tier + 1}${draw(drawn)}.`
    case 'held':
      return `wait until the endpoint ${verdict.endpoint} has a ready replica, for at most ${verdict.seconds} s.`
    case 'refused':
      return `be refused: ${verdict.message}`
  }
}

/** Where the choice is by chance, another request may go elsewhere. */
function draw(route: ExplainedRoute | undefined): string {
  const share = route?.tiers
    .flatMap(({ targets }) => targets)
    .find(({ word }) => word.startsWith('chosen'))?.share
  if (share === undefined || share === 0 || share === 1) return ''
  return `: this time, for ${Math.round(share * 100)} % do`
}

function routeSentences(route: ExplainedRoute): readonly string[] {
  const { tiers, attempts, timeouts, hedgePercent, shadow, cache, guardrails } = route
  const { onContextLength, onContentFilter } = route
  const guarded = guardrails.map(
    ({ name, kind, action, stages }) => `${name} (${kind}, ${action}, on the ${stages.join(' and the ')})`,
  )
  return [
    ...tiers.flatMap(({ strategy, targets }, index) => [
      `Tier ${index + 1} chooses ${words[strategy]} of ${targets.length}.`,
      ...targets.map(({ says, share }) =>
        share === undefined || share === 0 || share === 1
          ? `  ${says}.`
          : `  ${says}; its share is ${Math.round(share * 100)} %.`,
      ),
    ]),
    `It has ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}, ${seconds(timeouts.firstContent)} to the first content, ${seconds(timeouts.idle)} of silence and ${seconds(timeouts.total)} in all.`,
    ...(hedgePercent === undefined
      ? []
      : [`A copy goes elsewhere when the first content is late, for at most ${hedgePercent} % of requests.`]),
    ...(shadow ? [`${shadow.percent} % of requests are copied to ${shadow.upstream}, unheard.`] : []),
    ...(onContextLength === undefined ? [] : [`What is too long goes on to Route ${onContextLength}.`]),
    ...(onContentFilter === undefined ? [] : [`What is filtered goes on to Route ${onContentFilter}.`]),
    cache
      ? `Answers are kept for ${cache.ttlSeconds} s (${cache.mode}, shared in the ${cache.scope}) when the temperature is 0 or the caller says use.`
      : 'Answers are not kept.',
    guarded.length === 0 ? 'No guardrail looks at it.' : `Guardrails: ${guarded.join(', ')}.`,
  ]
}

const dimensions = {
  requests: 'requests',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  tokens: 'tokens',
  concurrency: 'requests at once',
  money: 'money',
} as const satisfies Record<Standing['dimension'], string>

function limitSentence(standing: Standing, at: number): string {
  const { level, dimension, limit, windowMs, remaining, resetMs, currency } = standing
  if (currency !== undefined) {
    const until = resetMs === undefined ? '' : ` until ${new Date(Math.round(at + resetMs)).toISOString()}`
    return `The ${level} may spend ${limit} ${currency}${until}: ${remaining} remain.`
  }
  const per = windowMs === undefined ? '' : windowMs === 60_000 ? ' a minute' : ` in ${seconds(windowMs)}`
  const whole = resetMs === undefined || resetMs === 0 ? '' : `, whole again in ${seconds(resetMs)}`
  return `The ${level} may have ${limit} ${dimensions[dimension]}${per}: ${remaining} remain${whole}.`
}
