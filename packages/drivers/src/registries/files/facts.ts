// What the header of a GGUF file says about its model; what it does not say is unknown, never 0.
import type { Fact } from '@switchyard/runtime'
import { type GgufHeader, quantisationOf } from './gguf.ts'

/** Facts below the architecture's own prefix, such as `llama.block_count`. */
const ofArchitecture = {
  context_length: 'context_length',
  block_count: 'block_count',
  embedding_length: 'embedding_length',
  feed_forward_length: 'feed_forward_length',
  head_count: 'attention.head_count',
  head_count_kv: 'attention.head_count_kv',
  key_length: 'attention.key_length',
  value_length: 'attention.value_length',
  expert_count: 'expert_count',
  sliding_window: 'attention.sliding_window',
} as const

export function factsOf(header: GgufHeader, bytes: number): Readonly<Record<string, Fact>> {
  const architecture = header.values.get('general.architecture')
  const known = (value: string | number | boolean): Fact => ({ value, source: 'header' })
  const derived = (value: string | number | boolean): Fact => ({ value, source: 'derived' })
  const text = (key: string): Fact => {
    const value = header.values.get(key)
    return value === undefined ? { unknown: `the header has no ${key}`, source: 'header' } : known(value)
  }
  const dimension = (suffix: string): Fact => {
    if (typeof architecture !== 'string')
      return { unknown: 'the header names no architecture', source: 'header' }
    const key = `${architecture}.${suffix}`
    const layers = header.numbers.get(key)
    const value = header.values.get(key) ?? (layers?.length === 1 ? layers[0] : undefined)
    if (typeof value === 'number' && Number.isFinite(value)) return known(value)
    if (layers) return { unknown: `${key} differs from layer to layer`, source: 'header' }
    return { unknown: `the header has no ${key}`, source: 'header' }
  }
  const vocabulary = header.lengths.get('tokenizer.ggml.tokens')
  const quantisation = quantisationOf(header)
  return {
    architecture: text('general.architecture'),
    name: text('general.name'),
    ...Object.fromEntries(Object.entries(ofArchitecture).map(([fact, suffix]) => [fact, dimension(suffix)])),
    tokenizer: text('tokenizer.ggml.model'),
    vocabulary:
      vocabulary === undefined
        ? { unknown: 'the header has no tokenizer.ggml.tokens', source: 'header' }
        : derived(vocabulary),
    chat_template: derived(header.keys.has('tokenizer.chat_template')),
    quantisation:
      quantisation === undefined
        ? { unknown: 'no tensor type is known', source: 'header' }
        : derived(quantisation),
    tensor_count: known(header.tensors),
    parameter_count: derived(header.parameters),
    bytes: derived(bytes),
  }
}
