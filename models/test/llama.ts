// llama.cpp as the tests use it: one thread, one model, greedy.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp'

export const shipped = join(import.meta.dirname, '../tiny/switchyard-tiny.gguf')

/** A loaded model; dispose it. The ids are those of the vocabulary. */
export async function open(path: string) {
  // More threads than free cores make each token a thousand times slower.
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.error })
  const model = await llama.loadModel({ modelPath: path })
  const context = await model.createContext({ contextSize: 512 })
  const sequence = context.getSequence()
  return {
    model,
    tokenize: (text: string): number[] => model.tokenize(text, true),
    /** The most likely continuation, its text, and whether it ended with an end token. */
    continuation: async (prompt: readonly number[], most: number) => {
      await sequence.clearHistory()
      const said: Token[] = []
      let ended = false
      // Ids are branded numbers to node-llama-cpp.
      for await (const token of sequence.evaluate(prompt as Token[], {
        temperature: 0,
        yieldEogToken: true,
      })) {
        ended = model.isEogToken(token)
        if (!ended) said.push(token)
        if (ended || said.length >= most) break
      }
      return { said: said.map(Number), text: model.detokenize(said), ended }
    },
    [Symbol.asyncDispose]: () => llama.dispose(),
  }
}

/** Opens a model from its bytes, by way of a file that is removed at once. */
export async function openBytes(bytes: Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), 'model-'))
  try {
    const path = join(folder, 'model.gguf')
    await writeFile(path, bytes)
    return await open(path)
  } finally {
    await rm(folder, { recursive: true })
  }
}
