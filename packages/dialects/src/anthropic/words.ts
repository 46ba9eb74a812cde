// Words that requests, replies and streams of this dialect share: why an answer stopped, whose signature it is, and
// which ids and names fit.
import { createHash } from 'node:crypto'
import type { Stop } from '../conversation.ts'

const stopReasons = {
  end: 'end_turn',
  sequence: 'stop_sequence',
  length: 'max_tokens',
  tool: 'tool_use',
  filter: 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
} as const satisfies Record<Stop, string>

const read: ReadonlyMap<string, Stop> = new Map<string, Stop>([
  ['end_turn', 'end'],
  ['stop_sequence', 'sequence'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
])

export interface Finish {
  readonly stop: Stop
  readonly sequence?: string
  readonly raw?: string
}

/** Calls that are there win over a reported end; what is unknown is an end with the word recorded. */
export function readStop(reason: string | undefined, sequence: string | undefined, calls: boolean): Finish {
  const known = read.get(reason ?? '') ?? 'end'
  const stop = known === 'end' && calls ? 'tool' : known
  return {
    stop,
    ...(stop === 'sequence' && sequence !== undefined && { sequence }),
    ...(reason !== undefined && reason !== stopReasons[stop] && { raw: reason }),
  }
}

export function writeStop({ stop, raw }: Finish): string {
  return raw !== undefined && read.get(raw) === stop ? raw : stopReasons[stop]
}

/** What proves that a reasoning part is genuine, and whose proof it is. */
export interface Proof {
  readonly signature?: string
  readonly opaque?: string
  readonly origin: string
}

const own = 'anthropic'
const sealed = /^switchyard\.(signature|opaque)\.([a-z][a-z0-9_-]{0,31})\.(.*)$/s

/**
 * A proof as the one string that a `thinking` or `redacted_thinking` block has for it. Anthropic's own stays as it
 * is where it belongs; any other carries its origin, so that it finds back to the dialect that understands it.
 */
export function seal(proof: Proof, place: 'signature' | 'opaque'): string | undefined {
  const kind = proof.signature === undefined ? 'opaque' : 'signature'
  const value = proof[kind]
  if (value === undefined) return undefined
  return proof.origin === own && kind === place ? value : `switchyard.${kind}.${proof.origin}.${value}`
}

export function unseal(text: string, place: 'signature' | 'opaque'): Proof {
  const [, kind = place, origin = own, value = text] = sealed.exec(text) ?? []
  return kind === 'opaque' ? { opaque: value, origin } : { signature: value, origin }
}

const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

/** An id of a call that Anthropic takes: the same one where it fits, else always the same other one. */
export function wireId(id: string): string {
  return /^[a-zA-Z0-9_-]{1,64}$/.test(id) ? id : `toolu_${hash(id).slice(0, 24)}`
}

/** A tool's name that Anthropic takes; the same rule for ids. */
export function wireName(name: string): string {
  if (/^[a-zA-Z0-9_-]{1,128}$/.test(name)) return name
  return `${name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 51)}_${hash(name).slice(0, 12)}`
}
