// One provider for each dialect that an upstream may speak, and the pairs of callers and upstreams.
import type { CallerName, Speech } from '@switchyard/dialects'
import type { ProviderType } from '@switchyard/kinds'
import type { Bed } from './bed.ts'
import { callerNames } from './callers.ts'
import type { Name, ScriptedUpstream } from './upstream.ts'

type Dialect = Speech['dialect']

interface Home {
  readonly type: ProviderType
  /** What stands behind the address in its base URL. */
  readonly base: string
  /** Header in which it takes its key. */
  readonly carrier: string
}

const homes: Readonly<Record<Dialect, Home>> = {
  // It has no Responses: whoever asks for those is converted.
  openai: { type: 'deepseek', base: '/v1', carrier: 'authorization' },
  // It is spoken to in Responses by callers of Responses alone.
  responses: { type: 'openai', base: '/v1', carrier: 'authorization' },
  anthropic: { type: 'anthropic', base: '/v1', carrier: 'x-api-key' },
  gemini: { type: 'gemini', base: '/v1beta', carrier: 'x-goog-api-key' },
  ollama: { type: 'ollama', base: '', carrier: 'authorization' },
}

export const upstreamDialects = Object.keys(homes) as readonly Dialect[] // the record is closed

/** Every way from a caller to an upstream. */
export const pairs: readonly (readonly [caller: CallerName, upstream: Dialect])[] = callerNames.flatMap(
  caller =>
    upstreamDialects
      .filter(dialect => dialect !== 'responses' || caller === 'responses')
      .map(dialect => [caller, dialect] as const),
)

/** Both speak one dialect: bytes pass. */
export function alike(caller: CallerName, dialect: Dialect): boolean {
  return caller.startsWith(dialect)
}

export function carrierOf(dialect: Dialect): string {
  return homes[dialect].carrier
}

interface Settled {
  readonly act?: Name | undefined
  readonly credential?: string
}

/** A provider of a dialect at an upstream; with `act` it answers everything so. */
export function settle(
  bed: Bed,
  engine: ScriptedUpstream,
  name: string,
  dialect: Dialect,
  { act, ...more }: Settled = {},
): void {
  const { type, base } = homes[dialect]
  bed.provider(name, { type, baseUrl: engine.url(act, base), ...more })
}
