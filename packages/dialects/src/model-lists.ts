// Lists of models in the shapes of three dialects; Ollama's are its own (ollama/models.ts).
import { type Json, writeJson } from './raw.ts'

/** A model as Switchyard knows it. */
export interface PublicModel {
  /** Public name. */
  readonly name: string
  /** Whole seconds since 1970. */
  readonly created: number
  /** Workspace or kind of provider. */
  readonly owner: string
  /** Tokens. */
  readonly contextLength?: number
  /** Tokens. */
  readonly maxOutput?: number
}

export type ListShape = 'openai' | 'anthropic' | 'gemini'

interface Shape {
  one(model: PublicModel): Json
  list(models: readonly PublicModel[]): Json
}

const openai = ({ name, created, owner }: PublicModel) => ({
  id: name,
  object: 'model',
  created,
  owned_by: owner,
})

const anthropic = ({ name, created, contextLength, maxOutput }: PublicModel) => ({
  type: 'model',
  id: name,
  display_name: name,
  created_at: new Date(created * 1000).toISOString(),
  max_input_tokens: contextLength,
  max_tokens: maxOutput,
})

const methods = [
  'generateContent',
  'streamGenerateContent',
  'countTokens',
  'embedContent',
  'batchEmbedContents',
]

const gemini = ({ name, contextLength, maxOutput }: PublicModel) => ({
  name: `models/${name}`,
  version: '001',
  displayName: name,
  inputTokenLimit: contextLength,
  outputTokenLimit: maxOutput,
  supportedGenerationMethods: methods,
})

const shapes: Readonly<Record<ListShape, Shape>> = {
  openai: { one: openai, list: models => ({ object: 'list', data: models.map(openai) }) },
  anthropic: {
    one: anthropic,
    list: models => ({
      data: models.map(anthropic),
      has_more: false,
      first_id: models[0]?.name ?? null,
      last_id: models.at(-1)?.name ?? null,
    }),
  },
  gemini: { one: gemini, list: models => ({ models: models.map(gemini) }) },
}

/** `GET /v1/models`, `GET /v1beta/models`. */
export function listModelsBody(shape: ListShape, models: readonly PublicModel[]): Buffer {
  return Buffer.from(writeJson(shapes[shape].list(models)))
}

/** `GET /v1/models/{id}`, `GET /v1beta/models/{id}`. */
export function modelBody(shape: ListShape, model: PublicModel): Buffer {
  return Buffer.from(writeJson(shapes[shape].one(model)))
}
