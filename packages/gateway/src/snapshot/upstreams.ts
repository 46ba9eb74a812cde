// What answers, compiled: a replica of an endpoint, or a model of a provider with its credential.
import { carriedBy, providerRow } from '@switchyard/catalog'
import { openaiEngineRow, type Speech } from '@switchyard/dialects'
import { type CredentialSecret, parseCidr } from '@switchyard/kinds'
import type { Bucket } from '@switchyard/runtime'
import { bucketsOf } from '../limited.ts'
import type { Origin, Upstream } from '../route.ts'
import type { CredentialDocument, ProviderDocument, Replica } from './found.ts'

/** A credential with its secrets. */
export interface Unsealed {
  readonly document: CredentialDocument
  readonly secret: CredentialSecret
}

/** What reaches an upstream: nothing of the caller's but what is listed in `head.ts`. */
function headersFor(accept: string, more: readonly string[] = []): readonly string[] {
  const fixed = ['content-type', 'application/json', 'accept', accept]
  return Object.freeze([...fixed, 'accept-encoding', 'identity', 'user-agent', 'switchyard', ...more])
}

const engineHeaders = headersFor('application/json')
const engineStreamHeaders = headersFor('text/event-stream')
const engineSpeech: Speech = Object.freeze({ dialect: 'openai', row: openaiEngineRow })
const noBuckets: readonly Bucket[] = Object.freeze([])
const engineMaxOutput = 4096

export function originOf({ status }: Replica): Origin {
  const url = `http://${status.address ?? ''}`
  return { key: url, url, allowed: undefined }
}

/** Engines speak OpenAI's dialect and know the model by the name of the endpoint. */
export function replicaUpstream(replica: Replica, weight: number): Upstream {
  const { metadata, spec } = replica
  return Object.freeze({
    key: `${metadata.workspace}/${metadata.name}`,
    name: metadata.name,
    endpoint: spec.endpoint,
    provider: 'engine',
    by: Object.freeze({ model: spec.endpoint, endpoint: spec.endpoint }),
    origin: originOf(replica),
    speech: engineSpeech,
    responses: false,
    served: spec.endpoint,
    base: '',
    strip: '',
    query: '',
    paths: undefined,
    headers: engineHeaders,
    streamHeaders: engineStreamHeaders,
    maxOutput: engineMaxOutput,
    buckets: noBuckets,
    weight,
    generation: `${spec.revision}`,
    tariff: undefined,
  })
}

/** Where the version stands in a provider's base URL, so that it is not said twice. */
const versioned: ReadonlySet<string> = new Set(['openai', 'responses', 'anthropic'])
const defaultMaxOutput = 4096

/** A model of a provider; undefined where nobody has said where it is. */
export function providerUpstream(
  { metadata, spec }: ProviderDocument,
  model: string | undefined,
  weight: number,
  credential: Unsealed | undefined,
): Upstream | undefined {
  const row = providerRow(spec.type)
  const address = spec.baseUrl ?? row.baseUrl
  if (address === undefined) return undefined
  const url = new URL(address)
  const known = spec.models.find(({ name }) => name === model)
  const carried = credential ? carriedBy(row, credential.document.spec, credential.secret) : undefined
  const more = [...Object.entries(row.headers), ...Object.entries(spec.headers)].flatMap(([name, value]) => [
    name.toLowerCase(),
    value,
  ])
  const headers = [...more, ...(carried?.headers ?? [])]
  const stream = row.speech.dialect === 'ollama' ? 'application/x-ndjson' : 'text/event-stream'
  const name = `${metadata.workspace ?? 'platform'}/${metadata.name}`
  return Object.freeze({
    key: name,
    name: metadata.name,
    endpoint: '',
    provider: spec.type,
    by: Object.freeze({
      model: known?.upstream ?? model ?? '', // then it is the one that is asked for
      provider: name,
      ...(spec.region !== undefined && { region: spec.region }),
    }),
    origin: {
      key: `${url.origin} ${spec.allowCidrs.join()}`,
      url: url.origin,
      allowed: spec.allowCidrs.flatMap(text => parseCidr(text) ?? []),
    },
    speech: row.speech,
    responses: row.speech.dialect === 'openai' && row.paths.responses !== undefined,
    served: known?.upstream ?? model,
    base: url.pathname.replace(/\/+$/, ''),
    strip: versioned.has(row.speech.dialect) ? '/v1' : '',
    query: carried?.query ?? '',
    paths: row.paths,
    headers: headersFor('application/json', headers),
    streamHeaders: headersFor(stream, headers),
    maxOutput: known?.maxOutput ?? defaultMaxOutput,
    buckets: spec.limits
      ? bucketsOf({ level: 'provider', subject: metadata.id, limits: spec.limits }, model ?? '*')
      : noBuckets,
    weight,
    generation: `${metadata.generation} ${credential?.document.metadata.resourceVersion ?? ''}`,
    tariff: undefined,
  })
}
