// What the routes work with once the model is open: slots, the step they keep, the prompt's template.
import { Cadence } from './cadence.ts'
import { type ChatPrompt, chatPrompt } from './chat.ts'
import type { Machine } from './generate.ts'
import type { Meter, Now } from './metrics.ts'
import type { Embedder, OpenModel, Sequence } from './model.ts'
import { Slots } from './slots.ts'

export interface World {
  /** Milliseconds, monotone. */
  readonly now: () => number
  /** Seconds since 1970. */
  readonly date: () => number
  /** From 0 up to 1. */
  readonly random: () => number
  readonly id: () => string
}

export interface Engine extends AsyncDisposable {
  /** What the API calls the model. */
  readonly name: string
  readonly startedAt: number
  /** Whether callers may send GBNF grammars. */
  readonly grammars: boolean
  readonly world: World
  readonly machine: Machine
  readonly slots: Slots<Sequence>
  readonly embedders: Slots<() => Promise<Embedder>>
  readonly chatPrompt: ChatPrompt
  readonly state: () => Now
  /** Refuses new and waiting requests; resolves when the running ones have ended. */
  readonly drain: () => Promise<void>
}

export function assemble(
  model: OpenModel,
  settings: {
    readonly name: string
    readonly queue: number
    readonly batchSize: number
    readonly grammars: boolean
  },
  meter: Meter,
  world: World,
): Engine {
  const slots = new Slots(model.sequences, settings.queue)
  const embedders = new Slots(model.embedder ? [model.embedder] : [], settings.queue)
  return {
    name: settings.name,
    grammars: settings.grammars,
    startedAt: world.date(),
    world,
    machine: { model, meter, cadence: new Cadence(settings.batchSize, world.now), now: world.now },
    slots,
    embedders,
    chatPrompt: chatPrompt(model),
    state: () => ({
      processing: slots.processing + embedders.processing,
      deferred: slots.deferred + embedders.deferred,
      contextTokens: model.sequences.reduce((sum, sequence) => sum + sequence.nextTokenIndex, 0),
      contextSize: model.slotContext * model.sequences.length,
    }),
    drain: async () => {
      await Promise.all([slots.close(), embedders.close()])
    },
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  }
}
