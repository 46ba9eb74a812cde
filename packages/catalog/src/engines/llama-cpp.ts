// llama.cpp as a row: one record starts the engine that comes with Switchyard, or a llama-server program.
import type { EngineRow } from '../engine.ts'

const whole = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum }) as const
const number = (minimum: number, maximum: number) => ({ type: 'number', minimum, maximum }) as const
const oneOf = (...values: string[]) => ({ type: 'string', enum: values }) as const
const yes = { type: 'boolean' } as const
const text = { type: 'string', minLength: 1, maxLength: 4096 } as const
const cacheTypes = oneOf('f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1', 'iq4_nl', 'q5_0', 'q5_1')

/** Only `llama-server` knows these; the built-in engine refuses what it does not know. */
const since = 'llama-server'
const until = 'builtin'

/** The record, but for the path of a llama-server program, which the installation knows. */
export const llamaCpp: EngineRow = {
  name: 'llama-cpp',
  displayName: 'llama.cpp',
  description: 'Serves GGUF models on CPU; built in, or by a llama-server program of yours.',
  spec: {
    tasks: ['chat', 'completion', 'embedding'],
    formats: ['gguf'],
    versions: [
      { version: 'builtin', binary: 'builtin', state: 'supported' },
      { version: 'llama-server', binary: 'llama-server', state: 'supported' },
    ],
    arguments: {
      model: { schema: text, flag: '--model', managed: true },
      host: { schema: text, flag: '--host', managed: true },
      port: { schema: whole(1, 65_535), flag: '--port', managed: true },
      alias: { schema: text, flag: '--alias', managed: true },
      'ctx-size': {
        schema: whole(0, 2 ** 31),
        flag: '--ctx-size',
        managed: true,
        doc: 'Set by spec.context.',
      },
      parallel: {
        schema: whole(1, 256),
        flag: '--parallel',
        managed: true,
        doc: 'Set by spec.context.sequences.',
      },
      threads: {
        schema: whole(1, 1024),
        flag: '--threads',
        managed: true,
        doc: 'Set by spec.resources.cpu.',
      },
      metrics: { schema: yes, flag: '--metrics', managed: true },
      'batch-size': { schema: whole(32, 16_384), flag: '--batch-size', doc: 'Most tokens in one decode.' },
      embeddings: {
        schema: yes,
        flag: '--embeddings',
        doc: 'Serve /v1/embeddings; the built-in engine always does, llama-server then serves nothing else.',
      },
      queue: {
        schema: whole(0, 1_000_000),
        flag: '--queue',
        until,
        doc: 'Requests that may wait for a slot.',
      },
      'ubatch-size': {
        schema: whole(1, 16_384),
        flag: '--ubatch-size',
        since,
        doc: 'Most tokens in one physical batch.',
      },
      'threads-batch': {
        schema: whole(1, 1024),
        flag: '--threads-batch',
        since,
        doc: 'Threads for prompts.',
      },
      'threads-http': { schema: whole(1, 256), flag: '--threads-http', since },
      'flash-attn': { schema: oneOf('on', 'off', 'auto'), flag: '--flash-attn', since },
      'cache-type-k': { schema: cacheTypes, flag: '--cache-type-k', since, doc: 'Type of cached keys.' },
      'cache-type-v': { schema: cacheTypes, flag: '--cache-type-v', since, doc: 'Type of cached values.' },
      'cache-reuse': { schema: whole(0, 1_000_000), flag: '--cache-reuse', since },
      'load-mode': {
        schema: oneOf('auto', 'none', 'mmap', 'mlock', 'mmap+mlock', 'dio'),
        flag: '--load-mode',
        since,
        doc: 'How the model is loaded; llama-server of 2026 and later.',
      },
      mlock: {
        schema: yes,
        flag: '--mlock',
        since,
        doc: 'Keep the model in memory; a llama-server that refuses this takes load-mode.',
      },
      'no-mmap': {
        schema: yes,
        flag: '--no-mmap',
        since,
        doc: 'Read the model instead of mapping it; a llama-server that refuses this takes load-mode.',
      },
      'cache-ram': {
        schema: whole(-1, 1_048_576),
        flag: '--cache-ram',
        since,
        doc: 'MiB of memory for prompts that no slot holds; 8192 when absent, -1 without bound, 0 for none.',
      },
      'n-gpu-layers': { schema: whole(0, 10_000), flag: '--n-gpu-layers', since },
      jinja: { schema: yes, flag: '--jinja', since, doc: "Use the model's own chat template engine." },
      'chat-template': { schema: text, flag: '--chat-template', since },
      pooling: { schema: oneOf('none', 'mean', 'cls', 'last', 'rank'), flag: '--pooling', since },
      'rope-scaling': { schema: oneOf('none', 'linear', 'yarn'), flag: '--rope-scaling', since },
      'rope-freq-base': { schema: number(0, 1e9), flag: '--rope-freq-base', since },
      'rope-freq-scale': { schema: number(0, 1e3), flag: '--rope-freq-scale', since },
      temp: { schema: number(0, 5), flag: '--temp', since, doc: 'Temperature when a request names none.' },
      'top-k': { schema: whole(0, 100_000), flag: '--top-k', since },
      'top-p': { schema: number(0, 1), flag: '--top-p', since },
      'min-p': { schema: number(0, 1), flag: '--min-p', since },
      'n-predict': {
        schema: whole(1, 10_000_000),
        flag: '--n-predict',
        since,
        doc: 'Most tokens of a reply.',
      },
      seed: { schema: whole(-1, 2 ** 31), flag: '--seed', since },
    },
    start: {
      command: [
        '{binary}',
        '--model',
        '{model}',
        '--alias',
        '{name}',
        '--host',
        '{host}',
        '--port',
        '{port}',
        '--ctx-size',
        '{context}',
        '--parallel',
        '{sequences}',
        '--threads',
        '{threads}',
        '--metrics',
      ],
    },
    probes: { alive: '/health', metrics: '/metrics' },
    signals: [
      { signal: 'running', metric: 'llamacpp:requests_processing', type: 'gauge' },
      { signal: 'waiting', metric: 'llamacpp:requests_deferred', type: 'gauge' },
      // Tokens alone stand still during a long prompt; decodes do not.
      { signal: 'progress', metric: 'llamacpp:tokens_predicted_total', type: 'counter' },
      { signal: 'progress', metric: 'llamacpp:n_decode_total', type: 'counter' },
      { signal: 'kv', metric: 'llamacpp:kv_cache_usage_ratio', type: 'gauge' },
      { signal: 'perToken', metric: 'llamacpp:predicted_tokens_seconds', type: 'gauge' },
      { signal: 'hits', metric: 'llamacpp:prompt_tokens_cached_total', type: 'counter' },
    ],
    failures: [
      { pattern: "couldn't bind|address already in use|EADDRINUSE", reason: 'PortTaken' },
      {
        pattern:
          'unknown argument|invalid argument|error while handling argument|takes no value|needs a value',
        reason: 'BadArguments',
      },
      {
        pattern:
          'out of memory|unable to allocate|failed to allocate|bad_alloc|not enough memory|insufficient memory',
        reason: 'HostMemory',
      },
      {
        pattern: 'no such file|does not exist|failed to open GGUF|it is a folder|permission denied',
        reason: 'ModelAbsent',
      },
      {
        pattern:
          'invalid magic|failed to load model|error loading model|not a GGUF|corrupt|failed to read (key|tensor)',
        reason: 'ModelCorrupt',
      },
    ],
    capabilities: { lora: false, multiNode: false },
    share: 'all',
  },
}

/** What the exit codes of the built-in engine mean, when its last lines do not say more. */
export const builtinExits: Readonly<Record<number, string>> = {
  2: 'BadArguments',
  3: 'ModelCorrupt',
  4: 'PortTaken',
  5: 'HostMemory',
}
