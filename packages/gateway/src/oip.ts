// The Open Inference Protocol v2: what the gateway says of itself, and how a request for an inference passes. The
// body, with binary tensors behind its JSON, is the caller's own bytes.
import type { Passage } from './passage.ts'
import type { Operated } from './paths.ts'
import { sourceOf } from './wire/client-pieces.ts'

/** Bytes of JSON before the tensors, on requests and answers. */
const tensorHeader = 'inference-header-content-length'

/** Of an answer, what its reader needs to know. */
export const shownHeaders: readonly string[] = Object.freeze([tensorHeader])

export function inferencePassage({ operation }: Operated, headers: readonly string[]): Passage {
  const method = operation === 'oip.model' ? 'GET' : 'POST'
  return {
    method,
    headers: passed(operation, headers),
    repeatable: true,
    movedAt: 0,
    body: ({ body }) => (method === 'GET' ? undefined : sourceOf(body)),
  }
}

function passed(operation: Operated['operation'], headers: readonly string[]): readonly string[] {
  const value = (name: string) =>
    headers.find((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name)
  const accept = operation === 'oip.generate_stream' ? 'text/event-stream' : '*/*'
  const kept = ['accept', accept]
  if (operation === 'oip.model') return kept
  kept.push('content-type', value('content-type') ?? 'application/json')
  const length = value(tensorHeader)
  if (length !== undefined) kept.push(tensorHeader, length)
  return kept
}

/** What a server of the protocol says of itself. */
export function serverBody(version: string): string {
  return JSON.stringify({ name: 'switchyard', version, extensions: ['binary_tensor_data', 'generate'] })
}
