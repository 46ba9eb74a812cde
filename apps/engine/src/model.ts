// The one room that touches node-llama-cpp: opens a GGUF and says what the rest may do with it.
import {
  getLlama,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  type LlamaEmbeddingContext,
  type LlamaGrammar,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  type LlamaModel,
  NoBinaryFoundError,
  type SequenceEvaluateOptions,
  type Token,
  TokenBias,
} from 'node-llama-cpp'
import { checkFile, explain, ModelFault } from './fault.ts'
import { BadFlag } from './flags.ts'
import type { ContextMeter } from './metrics.ts'

export type {
  LlamaContextSequence as Sequence,
  LlamaEmbeddingContext as Embedder,
  LlamaGrammar as Grammar,
  Token,
} from 'node-llama-cpp'
export type EvaluateOptions = SequenceEvaluateOptions

export interface OpenOptions {
  readonly path: string
  /** Tokens over all sequences; 0 is the trained context. */
  readonly contextSize: number
  readonly parallel: number
  readonly threads: number
  readonly batchSize: number
  readonly embeddings: boolean
  readonly meter: ContextMeter
  /** Lines that llama.cpp itself says, warnings and worse. */
  readonly log: (line: string) => void
}

export interface OpenModel extends AsyncDisposable {
  readonly path: string
  readonly trainedContext: number
  /** Tokens that one sequence may hold. */
  readonly slotContext: number
  /** Tokens that one text to embed may have. */
  readonly embeddingContext: number
  readonly bytes: number
  readonly embeddingLength: number
  readonly vocabulary: number
  readonly template: string | undefined
  readonly bos: { readonly token: Token | null; readonly text: string; readonly prepend: boolean }
  readonly eosText: string
  /** Texts that the tokenizer reads as control tokens when it is told to. */
  readonly specials: readonly string[]
  readonly sequences: readonly LlamaContextSequence[]
  /** Opens the context of embeddings with its first use; undefined when they are turned off. */
  readonly embedder: (() => Promise<LlamaEmbeddingContext>) | undefined
  /** @param continues the text goes on from other text, so no space is put before it. */
  readonly tokenize: (text: string, specials: boolean, continues?: boolean) => Token[]
  /** @param before tokens that precede these; they decide about a leading space. */
  readonly detokenize: (tokens: readonly number[], before?: readonly number[]) => string
  /** Text of one token, control tokens too. */
  readonly piece: (token: Token) => string
  /** Whether it ends a text. */
  readonly isEnd: (token: Token) => boolean
  readonly grammar: (kind: GrammarKind) => Promise<LlamaGrammar>
  /** A fresh state for one answer. */
  readonly follow: (grammar: LlamaGrammar) => LlamaGrammarEvaluationState
  /** Of tokens in the vocabulary; those that end a text cannot be biased. */
  readonly bias: (biases: ReadonlyMap<Token, number>) => TokenBias
}

/** Less holds no template and no answer. */
const leastSlotContext = 32

/** The embedding context decodes an input in one batch, whose buffers grow with it. */
const mostEmbeddingTokens = 2048

export type GrammarKind =
  | { readonly kind: 'json' }
  | { readonly kind: 'schema'; readonly schema: Record<string, unknown> }
  | { readonly kind: 'gbnf'; readonly text: string }

/** The new owner disposes of the result. Throws ModelFault, and BadFlag for a context that is too small. */
export async function openModel(options: OpenOptions): Promise<OpenModel> {
  await checkFile(options.path)
  const said: string[] = []
  let loading = true
  const llama = await startLlama(options.threads, line => {
    if (loading) said.push(line)
    else options.log(line)
  })
  try {
    const model = await llama.loadModel({ modelPath: options.path, gpuLayers: 0 })
    const opened = await openContexts(llama, model, options)
    loading = false
    return opened
  } catch (fault) {
    await llama.dispose()
    throw explain(options.path, fault, said)
  }
}

async function startLlama(threads: number, log: (line: string) => void): Promise<Llama> {
  try {
    return await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      maxThreads: threads,
      logLevel: LlamaLogLevel.warn,
      logger: (_level, message) => log(message.trim()),
    })
  } catch (fault) {
    const why =
      fault instanceof NoBinaryFoundError
        ? `there is no prebuilt llama.cpp for ${process.platform} ${process.arch}; install the optional package @node-llama-cpp/${process.platform}-${process.arch}, or configure a llama-server binary`
        : String(fault)
    throw new ModelFault('runtime', `cannot start llama.cpp: ${why}`)
  }
}

async function openContexts(llama: Llama, model: LlamaModel, options: OpenOptions): Promise<OpenModel> {
  const total = options.contextSize === 0 ? model.trainContextSize : options.contextSize
  const slotContext = Math.min(Math.floor(total / options.parallel), model.trainContextSize)
  if (slotContext < leastSlotContext)
    throw new BadFlag(
      `--ctx-size ${total} shared by --parallel ${options.parallel} leaves ${slotContext} tokens for each; ${leastSlotContext} are the least`,
    )
  const context = await model.createContext({
    sequences: options.parallel,
    contextSize: slotContext,
    batchSize: Math.min(options.batchSize, slotContext * options.parallel),
    threads: options.threads,
    failedCreationRemedy: false,
    batching: {
      itemPrioritizationStrategy: ({ items, size }) => {
        options.meter.decoded(items.length)
        return fit(items, size)
      },
    },
  })
  const embeddingContext = Math.min(slotContext, mostEmbeddingTokens)
  // Made with the first text to embed, so that who never embeds pays no memory for it.
  let made: Promise<LlamaEmbeddingContext> | undefined
  const make = () =>
    model.createEmbeddingContext({
      contextSize: embeddingContext,
      batchSize: embeddingContext, // pooling looks at one batch: an input must fit it whole
      threads: options.threads,
    })
  const remade = (fault: unknown) => {
    made = undefined
    throw fault
  }
  const embedder = options.embeddings
    ? () => {
        made ??= make().catch(remade)
        return made
      }
    : undefined
  return describe(llama, model, context, slotContext, embedder, options)
}

/** Shortest first: whoever generates one token is never pushed out by a long prompt. */
function fit<Item extends { readonly tokens: readonly Token[] }>(items: readonly Item[], size: number) {
  let left = size
  const taken: { item: Item; processAmount: number }[] = []
  for (const item of items.toSorted((a, b) => a.tokens.length - b.tokens.length)) {
    const processAmount = Math.min(item.tokens.length, left)
    if (processAmount === 0) break
    left -= processAmount
    taken.push({ item, processAmount })
  }
  return taken
}

function describe(
  llama: Llama,
  model: LlamaModel,
  context: LlamaContext,
  slotContext: number,
  embedder: OpenModel['embedder'],
  options: OpenOptions,
): OpenModel {
  const { metadata } = model.fileInfo
  const vocabulary = metadata.tokenizer?.ggml?.tokens?.length ?? 0
  return {
    path: options.path,
    trainedContext: model.trainContextSize,
    slotContext,
    embeddingContext: Math.min(slotContext, mostEmbeddingTokens),
    bytes: model.size,
    embeddingLength: model.embeddingVectorSize,
    vocabulary,
    template: metadata.tokenizer?.chat_template,
    bos: {
      token: model.tokens.bos,
      text: model.tokens.bosString ?? '',
      prepend: model.tokens.shouldPrependBosToken,
    },
    eosText: model.tokens.eosString ?? '',
    specials: specialTexts(model, vocabulary),
    sequences: Array.from({ length: options.parallel }, () => context.getSequence()),
    embedder,
    tokenize: (text, specials, continues = false) =>
      continues ? model.tokenize(text, specials, 'trimLeadingSpace') : model.tokenize(text, specials),
    detokenize: (tokens, before = []) =>
      // The library brands numbers as Token; ours come from it or were checked against the vocabulary.
      model.detokenize(tokens as readonly Token[], false, before as readonly Token[]),
    piece: token => model.detokenize([token], true),
    isEnd: token => model.isEogToken(token),
    grammar: kind => makeGrammar(llama, kind),
    follow: grammar => new LlamaGrammarEvaluationState({ model, grammar }),
    bias: biases => {
      const bias = TokenBias.for(model)
      for (const [token, logit] of biases) bias.set(token, logit <= -100 ? 'never' : { logit })
      return bias
    },
    [Symbol.asyncDispose]: () => llama.dispose(),
  }
}

function makeGrammar(llama: Llama, kind: GrammarKind): Promise<LlamaGrammar> {
  if (kind.kind === 'json') return llama.getGrammarFor('json')
  if (kind.kind === 'gbnf') return llama.createGrammar({ grammar: kind.text })
  // The library types the schema's inside; a wrong one is thrown by it and answered as a 400.
  return llama.createGrammarForJsonSchema(kind.schema as Parameters<Llama['createGrammarForJsonSchema']>[0])
}

/** What parsing with special tokens would recognise in a text, by llama.cpp's rule: control and unknown. */
function specialTexts(model: LlamaModel, vocabulary: number): readonly string[] {
  const texts = new Set<string>()
  for (let id = 0; id < vocabulary; id++) {
    const token = id as Token // inside the vocabulary
    const { control, unknown } = model.getTokenAttributes(token)
    if (control || unknown) texts.add(model.detokenize([token], true))
  }
  texts.delete('')
  return [...texts]
}
