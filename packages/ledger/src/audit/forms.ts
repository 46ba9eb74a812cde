// An entry in the words of other systems. Each takes the canonical text and answers one line of JSON.
import { isIP } from 'node:net'
import type { AuditForm } from '@switchyard/runtime'

type Members = Readonly<Record<string, unknown>>

const members = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** OCSF 1.3, class API Activity (6003). */
const apiActivity = 6003
const applicationActivity = 6
/** Verbs of our actions, as OCSF counts them; all others are 99, Other. */
const activities: Readonly<Record<string, readonly [id: number, name: string]>> = {
  create: [1, 'Create'],
  read: [2, 'Read'],
  unseal: [2, 'Read'],
  export: [2, 'Read'],
  update: [3, 'Update'],
  rotate: [3, 'Update'],
  secret_write: [3, 'Update'],
  delete: [4, 'Delete'],
  end: [4, 'Delete'],
}
const other = [99, 'Other'] as const
const statuses = {
  success: [1, 'Success'],
  denied: [2, 'Failure'],
  failed: [2, 'Failure'],
} as const

function ocsf(entry: string): string {
  const told = members(JSON.parse(entry))
  const [actor, origin, resource] = [members(told.actor), members(told.origin), members(told.resource)]
  const action = text(told.action) ?? ''
  const ip = text(origin.ip) ?? ''
  const [activity, activityName] = activities[action.slice(action.lastIndexOf('.') + 1)] ?? other
  const outcome = told.outcome === 'denied' || told.outcome === 'failed' ? told.outcome : 'success'
  const [statusId, status] = statuses[outcome]
  return JSON.stringify({
    category_uid: applicationActivity,
    category_name: 'Application Activity',
    class_uid: apiActivity,
    class_name: 'API Activity',
    activity_id: activity,
    activity_name: activityName,
    type_uid: apiActivity * 100 + activity,
    type_name: `API Activity: ${activityName}`,
    severity_id: outcome === 'success' ? 1 : 3,
    severity: outcome === 'success' ? 'Informational' : 'Medium',
    time: Date.parse(text(told.time) ?? ''),
    status_id: statusId,
    status,
    status_code: text(told.code),
    status_detail: text(told.reason),
    metadata: {
      version: '1.3.0',
      product: { name: 'Switchyard', vendor_name: 'Switchyard' },
      uid: text(told.id),
      sequence: told.seq,
      logged_time: Date.parse(text(told.sequenced_at) ?? ''),
      correlation_uid: text(origin.trace),
      tenant_uid: text(told.workspace),
    },
    actor: {
      user: { uid: text(actor.id), name: text(actor.name), type: text(actor.type) },
      session: { uid: text(actor.credential) },
    },
    api: {
      operation: action,
      service: { name: 'switchyard' },
      request: { uid: text(origin.request) ?? '' },
      response: { code: outcome === 'success' ? 0 : 1, error: text(told.code) },
    },
    src_endpoint: { ip: isIP(ip) === 0 ? '0.0.0.0' : ip },
    http_request: { user_agent: text(origin.agent) },
    resources: [{ uid: text(resource.uid), name: text(resource.name), type: text(resource.kind) }],
    unmapped: {
      rule: told.rule,
      diff: told.diff,
      before: told.before,
      after: told.after,
      workspace_seq: told.workspace_seq,
    },
  })
}

/** CloudEvents 1.0 in JSON; the data is the entry. */
function cloudEvent(entry: string): string {
  const told = members(JSON.parse(entry))
  const resource = members(told.resource)
  const subject = [text(told.workspace), text(resource.kind), text(resource.name)].filter(Boolean).join('/')
  return JSON.stringify({
    specversion: '1.0',
    type: 'switchyard.audit.v1',
    source: '/audit',
    id: text(told.id),
    time: text(told.time),
    ...(subject === '' ? {} : { subject }),
    datacontenttype: 'application/json',
    data: told,
  })
}

export const presentations: Readonly<Record<AuditForm, (entry: string) => string>> = Object.freeze({
  json: (entry: string) => entry,
  ocsf,
  cloudevents: cloudEvent,
})
