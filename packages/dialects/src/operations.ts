// Carries what OpenAI alone has a word for: as the same bytes, to upstreams of OpenAI's dialect.
import { Fault } from '@switchyard/kinds'
import type { Carriage, CarriageOptions, Speech } from './carriage.ts'
import type { Ask, Operation } from './exchange.ts'
import type { Made } from './media-usage.ts'
import { type Asked, meters, Tally } from './meters.ts'
import { errorEvent } from './openai/error.ts'
import { publicName, readReply } from './openai/response.ts'
import { openaiCarriage } from './pass.ts'
import { ByteTap, EventTap, isEventStream, isJson, isPage, mediaReply } from './passage.ts'

const nothing = Buffer.alloc(0)

/** What is made where it is no text. */
const made: Readonly<Partial<Record<Operation, Made>>> = Object.freeze({
  'images.generations': 'image',
  'images.edits': 'image',
  'images.variations': 'image',
  'audio.speech': 'audio',
})

/** Throws `unsupported_by_model` where the upstream speaks another dialect. `path` is the caller's own. */
export function carryOpenai(
  ask: Ask,
  path: string,
  to: Speech,
  options: Pick<CarriageOptions, 'served' | 'shown'>,
): Carriage {
  if (to.dialect !== 'openai' && to.dialect !== 'responses') throw unsupportedByModel(ask)
  const streamUsage = to.dialect === 'openai' && to.row.streamUsage && ask.operation === 'completions'
  const carriage = openaiCarriage(ask, path, to, streamUsage, options)
  const asked = { ask }
  if (ask.operation === 'audio.speech') return { ...carriage, ...mediaAnswers(ask, asked, options.shown) }
  // Completions are metered by their tokens alone.
  if (meters[ask.operation].reserves) return carriage
  const kind = made[ask.operation] ?? 'text'
  return {
    ...carriage,
    reply: body => mediaReply(body, carriage.reply(body), kind, new Tally(ask.operation, asked)),
  }
}

/** How answers of media pass: sound and text as bytes, events with their usage read, JSON as a whole reply. */
function mediaAnswers(
  { operation }: Pick<Ask, 'operation'>,
  asked: Asked,
  shown: string | undefined,
): Pick<Carriage, 'streamType' | 'tap' | 'reply' | 'answers'> {
  const kind = made[operation] ?? 'text'
  const name = shown === undefined ? undefined : publicName(shown)
  const tally = () => new Tally(operation, asked)
  return {
    streamType: '',
    tap: () => new ByteTap(tally()),
    reply: body => mediaReply(body, readReply(body, name), kind, tally()),
    answers: contentType => {
      if (isJson(contentType)) return 'whole'
      if (isEventStream(contentType)) return new EventTap(kind, errorEvent, tally())
      return isPage(contentType) ? undefined : new ByteTap(tally())
    },
  }
}

const none: readonly string[] = Object.freeze([])

/** A form with files, whose body is made while it is sent and so is none of the carriage's. */
export function carryForm(
  ask: Ask,
  path: string,
  to: Speech,
  { shown, sound }: Pick<CarriageOptions, 'shown' | 'sound'>,
): Carriage {
  if (to.dialect !== 'openai' && to.dialect !== 'responses') throw unsupportedByModel(ask)
  return {
    path,
    body: nothing,
    same: true,
    dropped: none,
    clamped: none,
    ...mediaAnswers(ask, { ask, sound }, shown),
  }
}

/** The upstream's dialect has no such operation. */
export function unsupportedByModel({ operation, model }: Pick<Ask, 'operation' | 'model'>): Fault {
  const message = `'${model}' has no ${operation}: ask a model that has, or use another operation.`
  return new Fault('invalid', message, {
    reason: 'unsupported_by_model',
    details: [{ path: 'model', rule: 'unsupported_by_model', message }],
  })
}
