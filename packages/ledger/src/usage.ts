// Usage events: what one request used, in the one form in which it is journalled, shipped and summed.
import { type Usage, units } from '@switchyard/dialects'
import type { EndReason, UsageEvent, UsageUnit } from '@switchyard/runtime'

/** What the gateway knows of a request when it is admitted. */
export interface Admitted {
  /** UUIDv7 that the gateway minted. */
  readonly request: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly workspace: string
  readonly project: string | null
  /** Public id of the API key. */
  readonly key: string
  readonly keyName: string
  /** Public model name. */
  readonly model: string
  readonly endpoint: string
  readonly operation: string
  readonly streamed: boolean
}

/** How it ended. */
export interface Ended {
  readonly at: number
  readonly end: EndReason
  /** HTTP status that the caller saw, or would have seen; 499 when it was gone. */
  readonly status: number
  /** From 1; the attempt that was relayed, or the last one. */
  readonly attempt: number
  /** Name of the upstream of that attempt; '' when there was none. */
  readonly upstream: string
  /** `cost` when an upstream worked and the caller is not to pay. */
  readonly billable: 'caller' | 'cost'
  readonly usage: Usage | undefined
}

/**
 * The event of a request's call. Members stand in the order of RFC 8785, so that `JSON.stringify` is canonical:
 * the same work always yields the same bytes.
 */
export function usageEvent(admitted: Admitted, ended: Ended): UsageEvent {
  const { request, workspace, project } = admitted
  return {
    data: {
      billable: ended.billable,
      end: ended.end,
      endedAt: moment(ended.at),
      endpoint: admitted.endpoint,
      flags: ended.usage?.flags ?? none,
      key: admitted.key,
      keyName: admitted.keyName,
      model: admitted.model,
      operation: admitted.operation,
      project,
      quantities: decimal(ended.usage),
      request,
      status: ended.status,
      streamed: admitted.streamed,
      upstream: ended.upstream,
      usageSource: ended.usage?.source ?? 'none',
      workspace,
    },
    id: `${request}:${ended.attempt}:call`,
    source: '/gateway',
    specversion: '1.0',
    subject: `${workspace}/${project ?? '-'}`,
    time: moment(admitted.at),
    type: 'switchyard.usage.v1',
  }
}

/** The event of a request of which nothing more is heard, journalled before its first byte goes upstream. */
export function openEvent(admitted: Admitted): UsageEvent {
  return usageEvent(admitted, {
    at: admitted.at,
    end: 'gateway_lost',
    status: 0,
    attempt: 1,
    upstream: '',
    billable: 'caller',
    usage: undefined,
  })
}

/** What the gateway calls, by name. */
export const meter = { open: openEvent, end: usageEvent }
export type Meter = typeof meter

const none: readonly string[] = []

/** Quantities as decimal strings, in the order of their units. */
function decimal(usage: Usage | undefined): UsageEvent['data']['quantities'] {
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
