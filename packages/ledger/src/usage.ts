// Usage events: what one request used, in the one form in which it is journalled, shipped and summed.
import { units } from '@switchyard/dialects'
import type { Admission, AttemptTimes, Ended, UsageEvent, UsageUnit } from '@switchyard/runtime'

/**
 * The event of a request's call. Members stand in the order of RFC 8785, so that `JSON.stringify` is canonical:
 * the same work always yields the same bytes. What is absent is undefined: spreading parts
 * into it takes longer.
 */
export function usageEvent(admitted: Admission, ended: Ended): UsageEvent {
  const { request, workspace, project, hold } = admitted
  const { by } = ended
  const tier = ended.usage?.tier ?? 'standard'
  const part = ended.part ?? 'call'
  const times = part === 'call' ? ended.times : undefined
  return {
    data: {
      attempts: times?.attempts.map(attemptOf),
      billable: ended.billable,
      end: ended.end,
      endedAt: moment(ended.at),
      endpoint: by ? (by.endpoint ?? '') : admitted.endpoint,
      firstTokenMs: times?.firstTokenMs,
      flags: ended.usage?.flags ?? none,
      // It is the call that resolves it.
      hold: part === 'call' ? hold : undefined,
      key: admitted.key,
      keyName: admitted.keyName,
      model: admitted.model,
      operation: admitted.operation,
      project,
      provider: by?.provider,
      quantities: decimal(ended.usage),
      region: by?.region,
      request,
      status: ended.status,
      streamed: admitted.streamed,
      tier: tier === 'standard' ? undefined : tier,
      upstream: ended.upstream,
      upstreamModel: by?.model,
      usageSource: ended.usage?.source ?? 'none',
      workspace,
    },
    id: `${request}:${ended.attempt}:${part}`,
    source: '/gateway',
    specversion: '1.0',
    subject: `${workspace}/${project ?? '-'}`,
    time: moment(admitted.at),
    type: 'switchyard.usage.v1',
  }
}

const none: readonly string[] = []

/** Its members in their order. */
const attemptOf = ({ contentMs, endMs, outcome, startMs, status, upstream }: AttemptTimes): AttemptTimes =>
  contentMs === undefined
    ? { endMs, outcome, startMs, status, upstream }
    : { contentMs, endMs, outcome, startMs, status, upstream }

/** Quantities as decimal strings, in the order of their units. */
function decimal(usage: Ended['usage']): UsageEvent['data']['quantities'] {
  const quantities: Partial<Record<UsageUnit, string>> = {}
  if (!usage) return quantities
  for (const unit of units) {
    const quantity = usage.quantities[unit]
    if (quantity !== undefined) quantities[unit] = quantity.toString()
  }
  return quantities
}

let lastSecond = Number.NaN
let lastText = ''

/** RFC 3339 in UTC. Moments of one second share the text up to it. */
function moment(time: number): string {
  const milliseconds = Math.floor(time)
  const second = Math.floor(milliseconds / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = new Date(second * 1000).toISOString().slice(0, -4)
  }
  return `${lastText}${String(milliseconds - second * 1000).padStart(3, '0')}Z`
}
