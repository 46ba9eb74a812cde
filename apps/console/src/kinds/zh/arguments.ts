// Help of engines’ arguments.

export const argumentHelp: Readonly<Record<string, string>> = {
  'Serves GGUF models on CPU; built in, or by a llama-server program of yours.':
    '在 CPU 上提供 GGUF 模型服务；内置，或使用您自己的 llama-server 程序。',
  'Set by spec.context.': '由 spec.context 设定。',
  'Set by spec.context.sequences.': '由 spec.context.sequences 设定。',
  'Set by spec.resources.cpu.': '由 spec.resources.cpu 设定。',
  'Most tokens in one decode.': '单次解码的最大 token 数。',
  'Serve /v1/embeddings; the built-in engine always does, llama-server then serves nothing else.':
    '提供 /v1/embeddings；内置引擎始终提供，llama-server 启用后不再提供其他服务。',
  'Requests that may wait for a slot.': '可等待处理槽位的请求数。',
  'Most tokens in one physical batch.': '单个物理批次的最大 token 数。',
  'Threads for prompts.': '处理提示词的线程数。',
  'Type of cached keys.': 'K 缓存的数据类型。',
  'Type of cached values.': 'V 缓存的数据类型。',
  'How the model is loaded; llama-server of 2026 and later.':
    '模型的加载方式；适用于 2026 年及以后的 llama-server。',
  'Keep the model in memory; a llama-server that refuses this takes load-mode.':
    '将模型常驻内存；不支持该参数的 llama-server 请使用 load-mode。',
  'Read the model instead of mapping it; a llama-server that refuses this takes load-mode.':
    '读取模型而不使用内存映射；不支持该参数的 llama-server 请使用 load-mode。',
  'MiB of memory for prompts that no slot holds; 8192 when absent, -1 without bound, 0 for none.':
    '为未占用槽位的提示词保留的内存，单位 MiB；未填写时为 8192，-1 表示不限，0 表示不保留。',
  "Use the model's own chat template engine.": '使用模型自带的对话模板引擎。',
  'Temperature when a request names none.': '请求未指定时的温度。',
  'Most tokens of a reply.': '单次回答的最大 token 数。',
}
