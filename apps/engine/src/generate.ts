// One answer: find what the slot already holds, read the rest of the prompt, then a token per round.
import type { Cadence } from './cadence.ts'
import type { Meter } from './metrics.ts'
import type { EvaluateOptions, Grammar, OpenModel, Sequence, Token } from './model.ts'
import type { Slot } from './slots.ts'
import { StopWatch, TextStream } from './text.ts'

export interface Sampling {
  readonly temperature: number
  readonly topP: number
  /** 0 looks at every token. */
  readonly topK: number
  readonly minP: number
  readonly seed: number
  readonly frequencyPenalty: number
  readonly presencePenalty: number
  readonly repeatPenalty: number
  /** Added to the logit of a token; -100 forbids it. */
  readonly bias: ReadonlyMap<Token, number>
}

export interface Ask {
  /** Never empty, and shorter than the slot's context. */
  readonly prompt: readonly Token[]
  /** Tokens to generate at most; undefined goes on until the context is full. */
  readonly most: number | undefined
  readonly stops: readonly string[]
  readonly sampling: Sampling
  readonly grammar: Grammar | undefined
}

export interface Outcome {
  readonly finish: 'stop' | 'length'
  readonly promptTokens: number
  readonly cachedTokens: number
  /** Sampled tokens, the one that ended the text included. */
  readonly completionTokens: number
}

export interface Machine {
  readonly model: OpenModel
  readonly cadence: Cadence
  readonly meter: Meter
  /** Milliseconds, monotone. */
  readonly now: () => number
}

/** Tokens that a penalty looks back at. */
const penaltyWindow = 64

/**
 * Generates in `slot`, handing each piece of text to `say`, which must not wait: the other slots are in step.
 * Rejects with the signal's reason at most one round after the abort; the slot stays usable.
 */
export async function generate(
  machine: Machine,
  slot: Slot<Sequence>,
  ask: Ask,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Outcome> {
  const { model, meter, now } = machine
  const sequence = slot.seat
  const began = now()
  // The last prompt token is decoded in any case: the first answer token is sampled from it.
  await sequence.adaptStateToTokens(ask.prompt.slice(0, -1), false)
  signal.throwIfAborted()
  const cached = sequence.nextTokenIndex
  const answer: Token[] = []
  using beat = machine.cadence.join()
  let firstAt: number | undefined
  let tokens: AsyncGenerator<Token, void, unknown> | undefined
  try {
    const rest = await readPrompt(sequence, ask.prompt, cached, beat, signal)
    tokens = sequence.evaluate(rest, evaluateOptions(model, ask, answer))
    const text = new TextStream(model.detokenize, ask.prompt)
    const watch = new StopWatch(ask.stops)
    const done = (finish: Outcome['finish']): Outcome => ({
      finish,
      promptTokens: ask.prompt.length,
      cachedTokens: cached,
      completionTokens: answer.length,
    })
    for (;;) {
      const { value: token } = await tokens.next()
      firstAt ??= now()
      signal.throwIfAborted()
      if (token === undefined) throw new Error('llama.cpp sampled no token')
      answer.push(token)
      if (model.isEnd(token)) {
        sayUnlessEmpty(watch.rest(), say)
        return done('stop')
      }
      const heard = watch.push(text.push(token))
      sayUnlessEmpty(heard.text, say)
      if (heard.stopped) return done('stop')
      // The context's last cell stays free: filling it would make the library shift the beginning away.
      const full = sequence.nextTokenIndex >= sequence.contextSize - 1
      if (full || answer.length === ask.most) {
        sayUnlessEmpty(watch.rest(), say)
        return done('length')
      }
      await beat.turn(1)
      signal.throwIfAborted()
    }
  } finally {
    await tokens?.return()
    const ended = now()
    const fresh = Math.min(sequence.nextTokenIndex, ask.prompt.length) - cached
    meter.prompt(fresh, cached, ((firstAt ?? ended) - began) / 1000)
    if (firstAt !== undefined) meter.predicted(answer.length, (ended - firstAt) / 1000)
    meter.held(sequence.nextTokenIndex)
  }
}

/** Decodes the prompt in pieces up to the last one, which is returned with its turn already taken. */
async function readPrompt(
  sequence: Sequence,
  prompt: readonly Token[],
  cached: number,
  beat: { turn(wanted: number): Promise<number> },
  signal: AbortSignal,
): Promise<Token[]> {
  let at = cached
  for (;;) {
    const left = prompt.length - at
    const granted = await beat.turn(left)
    signal.throwIfAborted()
    if (granted >= left) return prompt.slice(at)
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(at, at + granted))
    at += granted
  }
}

function evaluateOptions(model: OpenModel, ask: Ask, answer: readonly Token[]): EvaluateOptions {
  const { sampling, grammar } = ask
  const penal =
    sampling.frequencyPenalty !== 0 || sampling.presencePenalty !== 0 || sampling.repeatPenalty !== 1
  return {
    temperature: sampling.temperature,
    topP: sampling.topP,
    topK: sampling.topK,
    minP: sampling.minP,
    seed: sampling.seed,
    yieldEogToken: true,
    ...(sampling.bias.size > 0 && { tokenBias: model.bias(sampling.bias) }),
    ...(grammar && { grammarEvaluationState: model.follow(grammar) }),
    ...(penal && {
      repeatPenalty: {
        punishTokens: () => answer.slice(-penaltyWindow),
        maxPunishTokens: penaltyWindow,
        penalty: sampling.repeatPenalty,
        frequencyPenalty: sampling.frequencyPenalty,
        presencePenalty: sampling.presencePenalty,
      },
    }),
  }
}

function sayUnlessEmpty(text: string, say: (text: string) => void): void {
  if (text !== '') say(text)
}
