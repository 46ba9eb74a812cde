// Writes llama models as GGUF: the shipped model, and random ones that
// tests use when only the machinery matters.
import {
  alignment,
  f32,
  flag,
  i32s,
  type Storage,
  storages,
  text,
  texts,
  u32,
  type Writer,
  writer,
} from './format.ts'
import { type Random, seeded } from './random.ts'
import { epsilon, ropeBase, type Shape, slots, weightCount } from './shape.ts'
import { bytesOnly, endOfText, padding, specials, turnEnd, type Vocabulary } from './tokenizer.ts'

export interface Model {
  /** `general.name`. */
  readonly name: string
  /** SPDX identifier; none is written when absent. */
  readonly license?: string
  readonly shape: Shape
  readonly vocabulary: Vocabulary
  /** All weights, in the order of `slots(shape)`. */
  readonly weights: Float32Array
  /** Default f16. */
  readonly storage?: Storage
}

/** ChatML, the template of the model. */
export const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + " +
  "'<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

/** The bytes of a GGUF file; the same model gives the same bytes. */
export function writeModel(model: Model): Uint8Array {
  const { shape, vocabulary, weights } = model
  check(model)
  const storage = model.storage ?? 'f16'
  const tensors = slots(shape).map(slot => {
    const values = weights.subarray(slot.offset, slot.offset + slot.rows * slot.columns)
    const row = storages[slot.rows === 1 ? 'f32' : storage]
    // ggml lists the contiguous dimension first.
    const dims = slot.rows === 1 ? [slot.columns] : [slot.columns, slot.rows]
    return { name: slot.name, dims, type: row.type, bytes: row.encode(values) }
  })
  const out = writer()
  out.raw(new TextEncoder().encode('GGUF'))
  out.u32(3)
  out.u64(tensors.length)
  const pairs = metadata(model, storages[storage].file)
  out.u64(pairs.length)
  for (const write of pairs) write(out)
  let offset = 0
  for (const tensor of tensors) {
    out.string(tensor.name)
    out.u32(tensor.dims.length)
    for (const dim of tensor.dims) out.u64(dim)
    out.u32(tensor.type)
    out.u64(offset)
    offset += Math.ceil(tensor.bytes.length / alignment) * alignment
  }
  out.align()
  for (const tensor of tensors) {
    out.raw(tensor.bytes)
    out.align()
  }
  return out.bytes()

  function metadata({ name, license }: Model, file: number): readonly ((out: Writer) => void)[] {
    const types = vocabulary.tokens.map((_, id) => (id < specials.length ? 3 : 1))
    return [
      text('general.architecture', 'llama'),
      text('general.name', name),
      ...(license === undefined ? [] : [text('general.license', license)]),
      u32('general.file_type', file),
      u32('general.quantization_version', 2),
      u32('llama.context_length', shape.context),
      u32('llama.embedding_length', shape.dim),
      u32('llama.block_count', shape.layers),
      u32('llama.feed_forward_length', shape.feedForward),
      u32('llama.attention.head_count', shape.heads),
      u32('llama.attention.head_count_kv', shape.heads),
      f32('llama.attention.layer_norm_rms_epsilon', epsilon),
      u32('llama.rope.dimension_count', shape.dim / shape.heads),
      f32('llama.rope.freq_base', ropeBase),
      u32('llama.vocab_size', shape.vocab),
      text('tokenizer.ggml.model', 'gpt2'),
      text('tokenizer.ggml.pre', 'gpt-2'),
      texts('tokenizer.ggml.tokens', vocabulary.tokens),
      i32s('tokenizer.ggml.token_type', types),
      texts(
        'tokenizer.ggml.merges',
        vocabulary.merges.map(([left, right]) => `${left} ${right}`),
      ),
      u32('tokenizer.ggml.bos_token_id', endOfText),
      u32('tokenizer.ggml.eos_token_id', turnEnd),
      u32('tokenizer.ggml.eot_token_id', turnEnd),
      u32('tokenizer.ggml.padding_token_id', padding),
      flag('tokenizer.ggml.add_bos_token', false),
      text('tokenizer.chat_template', chatTemplate),
    ]
  }
}

/** What tests need to know of a random model; the rest has defaults. */
export type RandomShape = Partial<Omit<Shape, 'vocab'>> & { readonly storage?: Storage }

/**
 * A GGUF with random weights from a seed: it loads and generates, its text means nothing. Its
 * vocabulary is the 256 bytes, the control tokens and a few merges. Default about 200 KB.
 */
export function randomModel(seed: number, shape: RandomShape = {}): Uint8Array {
  const vocabulary = sparse
  const full: Shape = {
    dim: shape.dim ?? 64,
    layers: shape.layers ?? 2,
    heads: shape.heads ?? 2,
    feedForward: shape.feedForward ?? 128,
    context: shape.context ?? 2048,
    vocab: vocabulary.tokens.length,
  }
  const weights = randomWeights(seeded(seed), full)
  return writeModel({
    name: `random-${seed}`,
    shape: full,
    vocabulary,
    weights,
    storage: shape.storage ?? 'f16',
  })
}

const sparse: Vocabulary = (() => {
  const merges = ['Ġ t', 'h e', 'i n', 'e r', 'Ġ a', 'o n', 'Ġt he', 'r e', 'a n', 'Ġ s', 'i s', 'o r'].map(
    pair => pair.split(' '),
  )
  return {
    tokens: [...bytesOnly.tokens, ...merges.map(pair => pair.join(''))],
    merges: merges.map(([left = '', right = '']) => [left, right] as const),
  }
})()

/** Normal matrices of deviation 0.02 (those that write to the residual less, by depth), norms 1. */
export function randomWeights(random: Random, shape: Shape): Float32Array {
  const weights = new Float32Array(weightCount(shape))
  for (const { name, rows, columns, offset } of slots(shape)) {
    const closing = name.includes('attn_output') || name.includes('ffn_down')
    const deviation =
      (closing ? 1 / Math.sqrt(2 * shape.layers) : 1) *
      (name.startsWith('token') ? 0.02 : 1 / Math.sqrt(columns))
    for (let i = 0; i < rows * columns; i++)
      weights[offset + i] = rows === 1 ? 1 : random.normal() * deviation
  }
  return weights
}

function check({ shape, vocabulary, weights, storage = 'f16' }: Model): void {
  const wrong = (problem: string) => new TypeError(`this model cannot be written: ${problem}`)
  if (vocabulary.tokens.length !== shape.vocab)
    throw wrong(`vocab is ${shape.vocab} but the vocabulary has ${vocabulary.tokens.length} tokens`)
  if (weights.length !== weightCount(shape))
    throw wrong(`the shape has ${weightCount(shape)} weights but ${weights.length} were given`)
  if ((shape.dim / shape.heads) % 2 !== 0) throw wrong('dim / heads must be an even whole number')
  if (storage === 'q8_0' && (shape.dim % 32 || shape.feedForward % 32))
    throw wrong('q8_0 needs dim and feedForward to be multiples of 32')
}
