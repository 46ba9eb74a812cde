// Rules of what requests are routed by: credentials, providers, guardrails, MCP servers and routes.
import { providerRow } from '@switchyard/catalog'
import {
  type credential,
  type Document,
  type DocumentOf,
  Fault,
  findKind,
  type guardrail,
  type mcpServer,
  type provider,
  type route,
} from '@switchyard/kinds'
import { holds, missing, permits, readPlace } from './authorize.ts'
import { as, changed, type Rule, refuse } from './rule.ts'

/** What a Credential must hold, which its schema can't ask: a secret may be left out of a change. */
export const credentialHoldsASecret: Rule = ({ document, stored, secrets }) => {
  const { type } = as<DocumentOf<typeof credential>>(document)!.spec
  const field = type === 'custom' ? 'headers' : 'value'
  const given = secrets.get(field)
  if ((given === undefined && !stored) || given === null)
    refuse([{ path: `spec.${field}`, rule: 'required', message: `is required for the type ${type}` }])
  if (type === 'custom' && typeof secrets.get('value') === 'string')
    refuse([
      { path: 'spec.value', rule: 'exclusive', message: 'has no place in the type custom: use headers' },
    ])
}

export const providerIsSomewhere: Rule = ({ document }) => {
  const { type, baseUrl } = as<DocumentOf<typeof provider>>(document)!.spec
  const row = providerRow(type)
  if (baseUrl !== undefined || row.baseUrl !== undefined) return
  const message = `is required for the type ${type}, such as ${row.example}`
  refuse([{ path: 'spec.baseUrl', rule: 'required', message }])
}

/** Whoever opens a private range reaches what stands there, whichever workspace they are of. */
export const privateRangesNeedTheRight: Rule = ({ document, stored, caller }) => {
  const { allowCidrs } = as<DocumentOf<typeof provider | typeof mcpServer>>(document)!.spec
  const before = as<DocumentOf<typeof provider | typeof mcpServer>>(stored)?.spec.allowCidrs ?? []
  if (allowCidrs.every(range => before.includes(range))) return
  if (!holds(caller, 'provider:private', null)) throw missing(caller, 'provider:private', null)
}

/** Whoever says where a credential is sent can have it sent to themselves, so must be one who may use it. */
export const credentialGoesWhereItsUsersSay: Rule = ({ document, stored, caller, targets }) => {
  const addressOf = (of: Document | undefined) => {
    const spec = as<DocumentOf<typeof provider | typeof guardrail | typeof mcpServer>>(of)?.spec
    if (spec === undefined) return undefined
    if ('urls' in spec) return spec.urls.join(' ')
    return 'baseUrl' in spec ? spec.baseUrl : 'url' in spec ? spec.url : undefined
  }
  const used = targets.get('spec.credential')
  const kind = findKind('Credential')
  if (!stored || !used || !kind || addressOf(stored) === addressOf(document)) return
  if (!permits(caller, kind, 'use', used)) throw missing(caller, 'credential:use', readPlace(used))
}

/** Two routes of one name for the same requests: which of them is taken would be chance. */
export const routeNamesAreFree: Rule = async ({ tx, document, stored, unsettled }) => {
  const { spec, metadata } = as<DocumentOf<typeof route>>(document)!
  const before = as<DocumentOf<typeof route>>(stored)?.spec
  const chosenBy = (of: typeof spec) => [of.priority, of.match ?? {}]
  if (before && !changed([before.names, chosenBy(before)], [spec.names, chosenBy(spec)])) return
  const { items } = await tx.list({ kind: 'Route', workspace: metadata.workspace })
  for (const item of items) {
    const other = as<DocumentOf<typeof route>>(item)!
    if (other.metadata.id === metadata.id || unsettled.has(other.metadata.id)) continue
    if (changed(chosenBy(other.spec), chosenBy(spec))) continue
    const place = spec.names.findIndex(name => other.spec.names.includes(name))
    if (place === -1) continue
    throw new Fault(
      'conflict',
      `Route ${other.metadata.name} already has the name ${spec.names[place]} for the same requests. Choose another name, or give one of them a match or another priority.`,
      {
        reason: 'taken',
        details: [{ path: `spec.names.${place}`, rule: 'unique', message: 'is already in use' }],
      },
    )
  }
}

export const routeLeadsElsewhere: Rule = ({ document }) => {
  const { spec, metadata } = as<DocumentOf<typeof route>>(document)!
  const { onContextLength, onContentFilter } = spec.fallback
  const named = {
    'spec.fallback.onContextLength': onContextLength,
    'spec.fallback.onContentFilter': onContentFilter,
    'spec.cache.embeddings': spec.cache?.embeddings,
  }
  refuse(
    Object.entries(named)
      .filter(([, name]) => name === metadata.name)
      .map(([path]) => ({ path, rule: 'circle', message: 'must be another route than this one' })),
  )
}
