// The headers of an answer of which a route and attempts are known: what was decided on the way to it, what is left of
// limits, what it has cost and how long it took.
import type { Answering } from './answering.ts'
import { addLimitHeaders } from './limit-headers.ts'
import type { Story } from './story.ts'

export function answerHeaders(story: Story): string[] {
  const { house, opening, route, target, usage } = story
  // What an upstream has answered before it had the whole form leaves the rest of it unread.
  const headers = story.unread ? ['connection', 'close'] : [...house.closing()]
  const answering = opening?.answering
  if (opening) headers.push('x-switchyard-model', opening.admitted.model)
  if (answering) addDecided(headers, answering)
  if (route?.exposeUpstream && answering && answering.upstream !== '')
    headers.push('x-switchyard-upstream', answering.upstream)
  const verdict = opening?.verdict
  if (verdict) addLimitHeaders(headers, verdict, target?.caller === 'anthropic' ? 'anthropic' : 'openai')
  const cost = usage && opening?.cost(usage)
  if (cost !== undefined) headers.push('x-switchyard-cost', cost)
  const spent = house.clock() - story.startedAt
  headers.push('openai-processing-ms', String(Math.round(spent)))
  const overhead = spent - (answering?.waited ?? 0)
  headers.push('x-switchyard-overhead-ms', String(Math.max(0, Math.round(overhead))))
  return headers
}

function addDecided(headers: string[], { attempts, tier, detour, warning, cache, age }: Answering): void {
  if (attempts > 0) headers.push('x-switchyard-attempts', String(attempts))
  if (detour !== undefined) headers.push('x-switchyard-fallback', detour)
  else if (tier > 0) headers.push('x-switchyard-fallback', String(tier))
  if (warning !== '') headers.push('x-switchyard-warning', warning)
  if (cache !== undefined) headers.push('x-switchyard-cache', cache)
  if (age !== undefined) headers.push('age', String(age))
}
