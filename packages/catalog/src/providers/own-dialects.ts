// Services with a dialect of their own: Anthropic, Google's two addresses of Gemini, Ollama.
import type { GeminiRow } from '@switchyard/dialects'
import type { ProviderRow } from '../provider.ts'

export const anthropic: ProviderRow = {
  type: 'anthropic',
  title: 'Anthropic',
  docs: 'https://docs.anthropic.com/en/api/messages',
  baseUrl: 'https://api.anthropic.com/v1',
  example: 'https://api.anthropic.com/v1',
  speech: {
    dialect: 'anthropic',
    row: Object.freeze({ thinking: 'budget', systemTurns: false, schema: true, counts: 'provider' }),
  },
  carrier: 'x-api-key',
  headers: { 'anthropic-version': '2023-06-01' },
  paths: { messages: '/messages', count_tokens: '/messages/count_tokens' },
}

/** The version stands in the base, so nothing stands before `/models`. */
const geminiRow: GeminiRow = Object.freeze({
  root: '',
  schemas: 'json',
  thinking: 'budget',
  mostThinking: 24_576,
})

export const gemini: ProviderRow = {
  type: 'gemini',
  title: 'Google Gemini',
  docs: 'https://ai.google.dev/api/generate-content',
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  example: 'https://generativelanguage.googleapis.com/v1beta',
  speech: { dialect: 'gemini', row: geminiRow },
  carrier: 'x-goog-api-key',
  headers: {},
  paths: {
    generateContent: '/models/{model}:generateContent',
    embedContent: '/models/{model}:embedContent',
    batchEmbedContents: '/models/{model}:batchEmbedContents',
    countTokens: '/models/{model}:countTokens',
  },
}

/** It takes access tokens of Google Cloud, which live for an hour: whoever keeps the Credential renews it. */
export const vertexGemini: ProviderRow = {
  type: 'vertex-gemini',
  title: 'Gemini on Vertex AI',
  docs: 'https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference',
  baseUrl: undefined,
  example:
    'https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION/publishers/google',
  speech: { dialect: 'gemini', row: geminiRow },
  carrier: 'bearer',
  headers: {},
  paths: {
    generateContent: '/models/{model}:generateContent',
    countTokens: '/models/{model}:countTokens',
  },
  unlisted: true,
}

export const ollama: ProviderRow = {
  type: 'ollama',
  title: 'Ollama',
  docs: 'https://docs.ollama.com/api',
  baseUrl: undefined,
  example: 'http://127.0.0.1:11434',
  speech: { dialect: 'ollama' },
  carrier: 'bearer',
  headers: {},
  paths: {
    'ollama.chat': '/api/chat',
    'ollama.generate': '/api/generate',
    'ollama.embed': '/api/embed',
    'ollama.embeddings': '/api/embeddings',
  },
}
