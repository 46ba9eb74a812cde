// Greedy generation by the training network itself: to watch training, and to compare with llama.cpp.
import type { Network } from './network.ts'
import { endOfText, type Tokenizer, turnEnd } from './tokenizer.ts'

/** A question as the chat template writes it. */
export const asChat = (ask: string) => `<|im_start|>user\n${ask}<|im_end|>\n<|im_start|>assistant\n`

/** The most likely continuation, without the end token; at most `most` tokens. */
export function continuation(network: Network, prompt: readonly number[], most: number): number[] {
  const said: number[] = []
  while (said.length < most) {
    const tokens = Int32Array.from([...prompt, ...said])
    const none = new Float32Array(tokens.length)
    network.forward({
      tokens,
      targets: new Int32Array(tokens.length),
      emphasis: none,
      starts: [0, tokens.length],
    })
    const logits = network.logits(tokens.length - 1)
    const best = logits.indexOf(logits.reduce((top, logit) => Math.max(top, logit), Number.NEGATIVE_INFINITY))
    if (best === turnEnd || best === endOfText) break
    said.push(best)
  }
  return said
}

export function answer(network: Network, tokenizer: Tokenizer, ask: string, most = 64): string {
  return tokenizer.decode(continuation(network, tokenizer.encode(asChat(ask)), most))
}
