// OpenTelemetry's names for generative AI, once, with the generations that they belong to: which of them leave is
// chosen by OTEL_SEMCONV_STABILITY_OPT_IN. Source: the semantic conventions for generative AI, 1.36 and later.
import type { RequestEnded } from '@switchyard/gateway'

type Operation = Exclude<RequestEnded['operation'], ''>

/** `both` says everything twice where the names differ; `latest` only what the newest conventions name. */
export type Generation = 'both' | 'latest'

interface Name {
  readonly latest: string
  /** Of 1.36 and before: the same when absent, '' where it had none. */
  readonly before?: string
}

const names = {
  operation: { latest: 'gen_ai.operation.name' },
  provider: { latest: 'gen_ai.provider.name', before: 'gen_ai.system' },
  requestModel: { latest: 'gen_ai.request.model' },
  stream: { latest: 'gen_ai.request.stream', before: '' },
  maxTokens: { latest: 'gen_ai.request.max_tokens' },
  temperature: { latest: 'gen_ai.request.temperature' },
  topP: { latest: 'gen_ai.request.top_p' },
  responseId: { latest: 'gen_ai.response.id' },
  responseModel: { latest: 'gen_ai.response.model' },
  finishReasons: { latest: 'gen_ai.response.finish_reasons' },
  inputTokens: { latest: 'gen_ai.usage.input_tokens' },
  outputTokens: { latest: 'gen_ai.usage.output_tokens' },
  cacheRead: { latest: 'gen_ai.usage.cache_read.input_tokens', before: '' },
  cacheCreation: { latest: 'gen_ai.usage.cache_creation.input_tokens', before: '' },
  reasoning: { latest: 'gen_ai.usage.reasoning.output_tokens', before: '' },
  tokenType: { latest: 'gen_ai.token.type' },
  errorType: { latest: 'error.type' },
  serverAddress: { latest: 'server.address' },
  serverPort: { latest: 'server.port' },
} as const satisfies Readonly<Record<string, Name>>

export type Attribute = keyof typeof names

/** For the page that lists them. */
export const attributeRows: readonly Name[] = Object.values(names)

/** A boolean, a string, a count, a number with a fraction, or strings. */
export type Value = string | boolean | bigint | number | readonly string[]

export type About = Readonly<Partial<Record<Attribute, Value | undefined>>>

/** The attributes that a generation has for these, without those that are undefined. */
export function attributesOf(values: About, generation: Generation): Record<string, Value> {
  const found: Record<string, Value> = {}
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue
    const name: Name = names[key as Attribute] // a key of `values`
    found[name.latest] = value
    if (generation === 'latest' || !name.before) continue
    found[name.before] = key === 'provider' ? (systemsBefore[String(value)] ?? value) : value
  }
  return found
}

/** What conventions call the types of providers, where it is not the type itself. */
const providers: Readonly<Record<string, string>> = {
  engine: 'switchyard',
  'openai-compatible': 'openai',
  'azure-openai': 'azure.ai.openai',
  gemini: 'gcp.gemini',
  'vertex-gemini': 'gcp.vertex_ai',
  mistral: 'mistral_ai',
  xai: 'x_ai',
  moonshot: 'moonshot_ai',
}

/** What some were called as `gen_ai.system`. */
const systemsBefore: Readonly<Record<string, string>> = {
  'azure.ai.openai': 'az.ai.openai',
  x_ai: 'xai',
}

export const providerName = (type: string): string => providers[type] ?? type

/** `gen_ai.operation.name` of each operation, where it is not `chat`. */
const operations: Readonly<Partial<Record<Operation, string>>> = {
  completions: 'text_completion',
  'ollama.generate': 'text_completion',
  embeddings: 'embeddings',
  embedContent: 'embeddings',
  batchEmbedContents: 'embeddings',
  'ollama.embed': 'embeddings',
  'ollama.embeddings': 'embeddings',
}
const chats: ReadonlySet<string> = new Set([
  'chat.completions',
  'responses',
  'messages',
  'generateContent',
  'ollama.chat',
])

/** Others are called by their own name. */
export const operationName = (operation: Operation): string =>
  chats.has(operation) ? 'chat' : (operations[operation] ?? operation)

const durations = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
] as const

/** Histograms with the bounds that the conventions advise. */
export const instruments = {
  'gen_ai.client.token.usage': {
    unit: '{token}',
    description: 'Number of input and output tokens used.',
    bounds: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
  },
  'gen_ai.client.operation.duration': {
    unit: 's',
    description: 'Duration of one attempt at an upstream.',
    bounds: durations,
  },
  'gen_ai.server.request.duration': {
    unit: 's',
    description: 'Duration of a request, to the last byte.',
    bounds: durations,
  },
  'gen_ai.server.time_to_first_token': {
    unit: 's',
    description: 'Time to the first content of answers that are good.',
    bounds: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  },
  'gen_ai.server.time_per_output_token': {
    unit: 's',
    description: 'Time per output token after the first, of answers that are good.',
    bounds: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
  },
} as const satisfies Readonly<
  Record<string, { readonly unit: string; readonly description: string; readonly bounds: readonly number[] }>
>

export type Instrument = keyof typeof instruments
