// Engines that somebody else runs, by the OpenAI API that each of them serves.
import type { OpenaiRow } from '@switchyard/dialects'
import type { ProviderType } from '@switchyard/kinds'
import type { ProviderRow } from '../provider.ts'
import { type OpenaiOperation, offering } from './openai.ts'

const engineRow: OpenaiRow = Object.freeze({
  maxTokens: 'max_tokens',
  extras: true,
  reasoning: true,
  streamUsage: true,
  maxStops: Number.POSITIVE_INFINITY,
  counts: 'engine',
})

function engine(
  type: ProviderType,
  title: string,
  docs: string,
  ...offers: readonly OpenaiOperation[]
): ProviderRow {
  return {
    type,
    title,
    docs,
    baseUrl: undefined,
    example: 'http://10.0.0.5:8000/v1',
    speech: { dialect: 'openai', row: engineRow },
    carrier: 'bearer',
    headers: {},
    paths: offering(...offers),
  }
}

export const servedEngines: readonly ProviderRow[] = [
  engine(
    'vllm',
    'vLLM',
    'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
    'chat.completions',
    'responses',
    'completions',
    'embeddings',
    'rerank',
    'audio.transcriptions',
    'audio.translations',
    'realtime',
  ),
  engine(
    'sglang',
    'SGLang',
    'https://docs.sglang.ai/basic_usage/openai_api.html',
    'chat.completions',
    'completions',
    'embeddings',
    'rerank',
  ),
  engine(
    'llama-cpp',
    'llama.cpp server',
    'https://github.com/ggml-org/llama.cpp/tree/master/tools/server',
    'chat.completions',
    'completions',
    'embeddings',
    'rerank',
  ),
  {
    type: 'open-inference',
    title: 'Open Inference Protocol v2 (Triton, KServe, OpenVINO, MLServer)',
    docs: 'https://github.com/kserve/open-inference-protocol',
    baseUrl: undefined,
    example: 'http://10.0.0.5:8000',
    // It has no chat: what it speaks is told by its paths alone.
    speech: { dialect: 'openai', row: engineRow },
    carrier: 'bearer',
    headers: {},
    paths: {
      'oip.model': '/v2/models/{model}',
      'oip.infer': '/v2/models/{model}/infer',
      'oip.generate': '/v2/models/{model}/generate',
      'oip.generate_stream': '/v2/models/{model}/generate_stream',
    },
    unlisted: true,
  },
]
