// Words that requests, replies and streams of this dialect share: why an answer stopped, whose signature it is, and
// which ids and names fit.
import type { Seal } from '../blocks.ts'
import type { Stop } from '../conversation.ts'
import { fitId, fitName } from '../ids.ts'
import { type Unsigned, unwrapSeal, wrapSeal } from '../origin.ts'

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

/**
 * Calls that are there win over a reported end, and a call that was the answer itself is none; what is unknown is an
 * end with the word recorded.
 */
export function readStop(reason: string | undefined, sequence: string | undefined, calls: boolean): Finish {
  const known = read.get(reason ?? '') ?? 'end'
  const ended = known === 'end' || known === 'tool'
  const stop = ended ? (calls ? 'tool' : 'end') : known
  return {
    stop,
    ...(stop === 'sequence' && sequence !== undefined && { sequence }),
    ...(reason !== undefined && reason !== stopReasons[stop] && { raw: reason }),
  }
}

export function writeStop({ stop, raw }: Finish): string {
  return raw !== undefined && read.get(raw) === stop ? raw : stopReasons[stop]
}

const own = 'anthropic'

/**
 * A proof as the one string that a `thinking` or `redacted_thinking` block has for it. Anthropic's own stays as it
 * is where it belongs; any other is wrapped, so that it finds back to the dialect that understands it.
 */
export function seal(proof: Seal, place: 'signature' | 'opaque'): string | undefined {
  const { signature, opaque, origin } = proof
  if (signature === undefined && opaque === undefined) return undefined
  const other = place === 'signature' ? opaque : signature
  if (origin === own && other === undefined) return proof[place]
  return wrapSeal({ signature, opaque, origin })
}

/** Without an origin where nobody has signed. */
export function unseal(text: string, place: 'signature' | 'opaque'): Seal | Unsigned {
  return unwrapSeal(text) ?? { [place]: text, origin: own }
}

const idGrammar = /^[a-zA-Z0-9_-]{1,64}$/
const nameGrammar = /^[a-zA-Z0-9_-]{1,128}$/

export const callId = (id: string): string => fitId(id, idGrammar, 'toolu_')
export const toolName = (name: string): string => fitName(name, nameGrammar)
