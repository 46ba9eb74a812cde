// What passes though it is not JSON in one piece: forms with files, whose body is made while it is sent, and the
// tensors of the Open Inference Protocol. It says how the body is sent; the carriage says how the answer passes.
import type { Ask, Carriage } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Operated } from './paths.ts'
import type { BodySource } from './wire/client.ts'

export interface Passage {
  readonly method: 'GET' | 'POST'
  /** Names in lower case and values in turn, in place of what the upstream's own headers say of bodies. */
  readonly headers: readonly string[]
  /** Of a form: milliseconds of the sound in it, where its own head tells them. */
  readonly sound?: () => bigint | undefined
  /** Another attempt can be given the whole body. */
  readonly repeatable: boolean
  /** Time of the wheel at which an upstream last took a part of the body; 0 when it is given whole. */
  readonly movedAt: number
  /** `served` is the name by which the upstream knows the model. */
  body(carriage: Carriage, served: string): Buffer | BodySource | undefined
}

/** What says how a body of media passes to the caller. */
export interface Media {
  readonly type: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
}

/** An ask of which the body says nothing more than the model. */
export function plainAsk({ caller, operation, line }: Operated, model: string, bytes: Buffer): Ask {
  return {
    caller,
    operation,
    line,
    model,
    stream: { on: false, usage: false },
    maxOutput: undefined,
    n: 1,
    user: undefined,
    bytes,
    at: { model: undefined, streamOptions: undefined },
  }
}

/** What of an upstream's headers is about bodies: a passage has its own. */
const ofBodies: ReadonlySet<string> = new Set(['content-type', 'accept'])

/** The upstream's headers with those of a passage. */
export function headersWith(own: readonly string[], { headers }: Passage): readonly string[] {
  const kept = own.filter((_, at) => !ofBodies.has(own[at - (at % 2)] ?? ''))
  return [...kept, ...headers]
}

/** What a guardrail cannot look into does not pass it. */
export function unguarded({ operation, model }: Pick<Ask, 'operation' | 'model'>): Fault {
  const message = `'${model}' is guarded, and guardrails cannot look into ${operation}: use another model.`
  return new Fault('invalid', message, { reason: 'unsupported_by_model' })
}
