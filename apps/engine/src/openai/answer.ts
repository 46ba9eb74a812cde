// One generated answer on the wire, whole or as a stream; chat and completions give it their words.
import type { Engine } from '../engine.ts'
import { type Ask, generate, type Outcome } from '../generate.ts'
import type { Token } from '../model.ts'
import type { Reply } from '../reply.ts'
import { contextExceeded, invalid } from './errors.ts'
import { grammar, refuseUnsupported, type Shared, sampling, stops } from './sampling.ts'

export interface Wording {
  readonly idPrefix: string
  readonly object: string
  readonly chunkObject: string
  /** The only choice of a whole answer. */
  whole(text: string, finish: Outcome['finish']): object
  /** The choice of the first chunk, before any text. */
  readonly first: object | undefined
  delta(text: string): object
  last(finish: Outcome['finish']): object
}

export function usage(outcome: Outcome) {
  return {
    prompt_tokens: outcome.promptTokens,
    completion_tokens: outcome.completionTokens,
    total_tokens: outcome.promptTokens + outcome.completionTokens,
    prompt_tokens_details: { cached_tokens: outcome.cachedTokens },
  }
}

/** @param param the request's field that the prompt came from, for the message when it is too long. */
export async function answer(
  engine: Engine,
  body: Shared,
  prompt: readonly Token[],
  most: number | undefined,
  param: string,
  wording: Wording,
  reply: Reply,
): Promise<void> {
  const { model } = engine.machine
  refuseUnsupported(body, engine.grammars)
  if (prompt.length === 0) throw invalid(`The ${param} came to no tokens at all.`, param)
  if (prompt.length >= model.slotContext) throw contextExceeded(prompt.length, model.slotContext, param)
  const ask: Ask = {
    prompt,
    most,
    stops: stops(body),
    sampling: sampling(body, model, engine.world.random),
    grammar: await grammar(body, model),
  }
  const head = {
    id: `${wording.idPrefix}-${engine.world.id()}`,
    created: engine.world.date(),
    model: engine.name,
    system_fingerprint: 'switchyard-engine',
  }
  const run = (say: (text: string) => void) =>
    engine.slots.run(
      sequence => sequence.compareContextTokens([...prompt]).firstDifferentIndex,
      reply.signal,
      slot => generate(engine.machine, slot, ask, reply.signal, say),
    )

  if (body.stream !== true) {
    let text = ''
    const outcome = await run(piece => {
      text += piece
    })
    reply.json(200, {
      ...head,
      object: wording.object,
      choices: [wording.whole(text, outcome.finish)],
      usage: usage(outcome),
    })
    return
  }

  const wantsUsage = body.stream_options?.include_usage === true
  const event = (choices: readonly object[], used: object | null = null) =>
    reply.event({ ...head, object: wording.chunkObject, choices, ...(wantsUsage && { usage: used }) })
  let begun = false
  // The status line waits for the first token: until then a failure can still be told by its own status.
  const begin = () => {
    if (!begun && wording.first) event([wording.first])
    begun = true
  }
  const outcome = await run(piece => {
    begin()
    event([wording.delta(piece)])
  })
  begin()
  event([wording.last(outcome.finish)])
  if (wantsUsage) event([], usage(outcome))
  reply.endEvents()
}
