// Frames of the first form, which held whole events as canonical JSON: what was written so before an upgrade is shipped
// after it.
import type { Ended, UsageEvent, Used } from '@switchyard/runtime'

/** An event, or an array of them. */
export function eventsOf(text: string): readonly Used[] {
  const value = JSON.parse(text) as UsageEvent | readonly UsageEvent[]
  return (Array.isArray(value) ? (value as readonly UsageEvent[]) : [value as UsageEvent]).map(usedOf)
}

function usedOf({ id, time, data }: UsageEvent): Used {
  const { request, workspace, project, key, keyName, model, endpoint, operation, streamed } = data
  const { billable, end, endedAt, flags, quantities, status, upstream, usageSource } = data
  const counts: Record<string, bigint> = {}
  for (const [unit, count] of Object.entries(quantities)) counts[unit] = BigInt(count)
  const usage: Ended['usage'] =
    usageSource === 'none' ? undefined : { quantities: counts, source: usageSource, flags }
  const attempt = Number(id.slice(request.length + 1).split(':')[0])
  return {
    admitted: {
      request,
      at: Date.parse(time),
      workspace,
      project,
      key,
      keyName,
      model,
      endpoint,
      operation,
      streamed,
    },
    ended: { at: Date.parse(endedAt), end, status, attempt, upstream, billable, usage },
  }
}
