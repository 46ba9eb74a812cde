// Servers of tools as they are registered, each with its credential.
import { hash } from 'node:crypto'
import { carriedBy } from '@switchyard/catalog'
import { type CredentialSecret, parseCidr } from '@switchyard/kinds'
import type { Sealed } from '@switchyard/runtime'
import type { McpServer, McpServers, McpTimes, McpUpstream } from '../mcp/server.ts'
import type { Origin } from '../route.ts'
import { type Found, type McpServerDocument, referred } from './found.ts'

/** By id of the Credential document. */
type Secrets = ReadonlyMap<string, Sealed<CredentialSecret>>

const times: McpTimes = { answer: 300_000, idle: 300_000, total: 600_000, listen: 3_600_000 }

export function compileMcpServers(found: Found, secrets: Secrets): McpServers {
  const byWorkspace = Map.groupBy(found.mcpServers, ({ metadata }) => metadata.workspace ?? '')
  return new Map(
    [...byWorkspace].map(([workspace, all]) => [
      workspace,
      new Map(all.map(one => [one.metadata.name, serverOf(workspace, one, found, secrets)])),
    ]),
  )
}

function serverOf(workspace: string, document: McpServerDocument, found: Found, secrets: Secrets): McpServer {
  const { metadata, spec } = document
  const { answerMs, idleMs, totalMs, listenMs } = spec.timeouts
  return Object.freeze({
    id: metadata.id,
    workspace,
    name: metadata.name,
    model: `mcp/${metadata.name}`,
    access: spec.access,
    allows: spec.tools && allowing(spec.tools),
    times: Object.freeze({
      answer: answerMs ?? times.answer,
      idle: idleMs ?? times.idle,
      total: totalMs ?? times.total,
      listen: listenMs ?? times.listen,
    }),
    upstreams: upstreamsOf(document, found, secrets),
  })
}

/** Whole names, and beginnings where a `*` stands at the end. */
function allowing(patterns: readonly string[]): (tool: string) => boolean {
  const names = new Set(patterns.filter(pattern => !pattern.endsWith('*')))
  const beginnings = patterns.filter(pattern => pattern.endsWith('*')).map(pattern => pattern.slice(0, -1))
  return tool => names.has(tool) || beginnings.some(beginning => tool.startsWith(beginning))
}

/** Without its credential a server would only refuse: it has no place until the secret can be read. */
function upstreamsOf(
  { metadata, spec }: McpServerDocument,
  { credentials }: Found,
  secrets: Secrets,
): readonly McpUpstream[] {
  const { credential: reference, urls, allowCidrs } = spec
  const document =
    reference === undefined ? undefined : credentials.get(referred(metadata.workspace, reference))
  const secret = document && secrets.get(document.metadata.id)
  if (reference !== undefined && !secret) return []
  const carried =
    document && secret ? carriedBy({ carrier: 'bearer' }, document.spec, secret.reveal()) : undefined
  const own = Object.entries(spec.headers).flatMap(([name, value]) => [name.toLowerCase(), value])
  const headers = Object.freeze([...fixed, ...own, ...(carried?.headers ?? [])])
  const allowed = allowCidrs.flatMap(text => parseCidr(text) ?? [])
  return urls.map((url, at): McpUpstream => {
    const { origin, pathname } = new URL(url)
    const originAs = (purpose: string): Origin => ({
      key: `${origin} ${allowCidrs.join()}${purpose}`,
      url: origin,
      allowed,
    })
    const place = hash('sha256', url, 'hex').slice(0, 16)
    return Object.freeze({
      key: `${metadata.workspace}/mcp/${metadata.name}/${place}`,
      name: urls.length === 1 ? `mcp/${metadata.name}` : `mcp/${metadata.name}/${at + 1}`,
      place,
      origin: originAs(''),
      listening: originAs(' listening'),
      path: carried?.query ? `${pathname}?${carried.query}` : pathname,
      headers,
      generation: `${metadata.generation} ${document?.metadata.resourceVersion ?? ''}`,
    })
  })
}

const fixed = ['accept-encoding', 'identity', 'user-agent', 'switchyard'] as const
