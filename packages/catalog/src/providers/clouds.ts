// Services that speak chat completions, each with what it takes otherwise than OpenAI.

import type { OpenaiRow } from '@switchyard/dialects'
import type { ProviderType } from '@switchyard/kinds'
import type { ProviderRow } from '../provider.ts'
import { likeOpenai, type OpenaiOperation, offering } from './openai.ts'

interface Cloud {
  readonly type: ProviderType
  readonly title: string
  readonly docs: string
  readonly baseUrl: string
  /** Where it differs from `likeOpenai`. */
  readonly differs?: Partial<OpenaiRow>
  readonly offers: readonly OpenaiOperation[]
}

function cloud({ type, title, docs, baseUrl, differs, offers }: Cloud): ProviderRow {
  return {
    type,
    title,
    docs,
    baseUrl,
    example: baseUrl,
    speech: { dialect: 'openai', row: Object.freeze({ ...likeOpenai, ...differs }) },
    carrier: 'bearer',
    headers: {},
    paths: offering(...offers),
  }
}

const anyStops = Number.POSITIVE_INFINITY

export const clouds: readonly ProviderRow[] = [
  cloud({
    type: 'mistral',
    title: 'Mistral AI',
    docs: 'https://docs.mistral.ai/api/',
    baseUrl: 'https://api.mistral.ai/v1',
    // It refuses members that it does not know, and reports usage on every stream unasked.
    differs: { streamUsage: false, maxStops: anyStops },
    offers: ['chat.completions', 'embeddings', 'moderations'],
  }),
  cloud({
    type: 'deepseek',
    title: 'DeepSeek',
    docs: 'https://api-docs.deepseek.com/api/create-chat-completion',
    baseUrl: 'https://api.deepseek.com/v1',
    differs: { maxStops: 16 },
    offers: ['chat.completions'],
  }),
  cloud({
    type: 'groq',
    title: 'Groq',
    docs: 'https://console.groq.com/docs/api-reference',
    baseUrl: 'https://api.groq.com/openai/v1',
    differs: { maxTokens: 'max_completion_tokens' },
    offers: ['chat.completions', 'responses', 'audio.speech', 'audio.transcriptions', 'audio.translations'],
  }),
  cloud({
    type: 'together',
    title: 'Together AI',
    docs: 'https://docs.together.ai/reference/chat-completions-1',
    baseUrl: 'https://api.together.xyz/v1',
    // Usage comes with the last event unasked.
    differs: { extras: true, streamUsage: false, maxStops: anyStops },
    offers: [
      'chat.completions',
      'completions',
      'embeddings',
      'rerank',
      'images.generations',
      'audio.speech',
      'audio.transcriptions',
      'audio.translations',
    ],
  }),
  cloud({
    type: 'openrouter',
    title: 'OpenRouter',
    docs: 'https://openrouter.ai/docs/api-reference/overview',
    baseUrl: 'https://openrouter.ai/api/v1',
    differs: { extras: true, reasoning: true },
    offers: ['chat.completions', 'completions', 'embeddings'],
  }),
  cloud({
    type: 'xai',
    title: 'xAI',
    docs: 'https://docs.x.ai/docs/api-reference',
    baseUrl: 'https://api.x.ai/v1',
    differs: { maxTokens: 'max_completion_tokens' },
    offers: ['chat.completions', 'responses', 'images.generations', 'realtime'],
  }),
  cloud({
    type: 'moonshot',
    title: 'Moonshot AI (Kimi)',
    docs: 'https://platform.moonshot.ai/docs/api/chat',
    baseUrl: 'https://api.moonshot.ai/v1',
    differs: { maxStops: 5 },
    offers: ['chat.completions'],
  }),
  cloud({
    type: 'zhipu',
    title: 'Zhipu AI (BigModel)',
    docs: 'https://docs.bigmodel.cn/api-reference',
    baseUrl: 'https://open.bigmodel.cn/api/paas/v4',
    // Usage comes with the last event unasked.
    differs: { streamUsage: false, maxStops: 1 },
    offers: ['chat.completions', 'embeddings', 'images.generations'],
  }),
  cloud({
    type: 'qwen',
    title: 'Alibaba Cloud Model Studio (Qwen)',
    docs: 'https://help.aliyun.com/zh/model-studio/compatibility-of-openai-with-dashscope',
    baseUrl: 'https://dashscope.aliyuncs.com/compatible-mode/v1',
    differs: { maxStops: anyStops },
    offers: ['chat.completions', 'embeddings'],
  }),
  cloud({
    type: 'siliconflow',
    title: 'SiliconFlow',
    docs: 'https://docs.siliconflow.cn/cn/api-reference/chat-completions/chat-completions',
    baseUrl: 'https://api.siliconflow.cn/v1',
    // Usage comes with every event unasked.
    differs: { extras: true, streamUsage: false },
    offers: [
      'chat.completions',
      'embeddings',
      'rerank',
      'images.generations',
      'audio.speech',
      'audio.transcriptions',
    ],
  }),
  cloud({
    type: 'volcengine',
    title: 'Volcengine Ark (Doubao)',
    docs: 'https://www.volcengine.com/docs/82379/1494384',
    baseUrl: 'https://ark.cn-beijing.volces.com/api/v3',
    offers: ['chat.completions', 'embeddings', 'images.generations'],
  }),
]
