// OpenAI's own API and the two that are its twins: Azure, and whoever says "OpenAI-compatible".
import type { OpenaiRow } from '@switchyard/dialects'
import type { ProviderRow } from '../provider.ts'

export const openaiPaths = {
  'chat.completions': '/chat/completions',
  responses: '/responses',
  completions: '/completions',
  embeddings: '/embeddings',
  moderations: '/moderations',
  rerank: '/rerank',
  'images.generations': '/images/generations',
  'images.edits': '/images/edits',
  'images.variations': '/images/variations',
  'audio.speech': '/audio/speech',
  'audio.transcriptions': '/audio/transcriptions',
  'audio.translations': '/audio/translations',
  realtime: '/realtime',
} as const satisfies ProviderRow['paths']

export type OpenaiOperation = keyof typeof openaiPaths

/** The part of the paths that a provider has. */
export function offering(...operations: readonly OpenaiOperation[]): ProviderRow['paths'] {
  return Object.freeze(Object.fromEntries(operations.map(operation => [operation, openaiPaths[operation]])))
}

/** What the API of OpenAI itself takes, and so what the careful ones among its likes take. */
export const openaiRow: OpenaiRow = Object.freeze({
  maxTokens: 'max_completion_tokens',
  extras: false,
  reasoning: false,
  streamUsage: true,
  maxStops: 4,
  counts: 'provider',
})

/** What most of its likes take: the older name of the limit. */
export const likeOpenai: OpenaiRow = Object.freeze({ ...openaiRow, maxTokens: 'max_tokens' })

export const openai: ProviderRow = {
  type: 'openai',
  title: 'OpenAI',
  docs: 'https://platform.openai.com/docs/api-reference',
  baseUrl: 'https://api.openai.com/v1',
  example: 'https://api.openai.com/v1',
  speech: { dialect: 'openai', row: openaiRow },
  carrier: 'bearer',
  headers: {},
  paths: offering(
    'chat.completions',
    'responses',
    'completions',
    'embeddings',
    'moderations',
    'images.generations',
    'images.edits',
    'images.variations',
    'audio.speech',
    'audio.transcriptions',
    'audio.translations',
    'realtime',
  ),
}

export const openaiCompatible: ProviderRow = {
  type: 'openai-compatible',
  title: 'OpenAI-compatible',
  docs: 'https://platform.openai.com/docs/api-reference/chat',
  baseUrl: undefined,
  example: 'https://api.example.com/v1',
  speech: { dialect: 'openai', row: likeOpenai },
  carrier: 'bearer',
  headers: {},
  paths: openaiPaths,
}

/** Its v1 paths, which need no api-version; the model is the name of the deployment. */
export const azureOpenai: ProviderRow = {
  type: 'azure-openai',
  title: 'Azure OpenAI',
  docs: 'https://learn.microsoft.com/azure/ai-foundry/openai/latest',
  baseUrl: undefined,
  example: 'https://RESOURCE.openai.azure.com/openai/v1',
  speech: { dialect: 'openai', row: openaiRow },
  carrier: 'api-key',
  headers: {},
  paths: offering(
    'chat.completions',
    'responses',
    'completions',
    'embeddings',
    'images.generations',
    'images.edits',
    'audio.speech',
    'audio.transcriptions',
    'audio.translations',
    'realtime',
  ),
}
