// Carries the Open Inference Protocol v2 (KServe, Triton, OpenVINO): the body is the caller's, tensors and all; the
// path names the model.
import type { Fault } from '@switchyard/kinds'
import type { Carriage, CarriageOptions, Reply } from './carriage.ts'
import type { Ask } from './exchange.ts'
import { Tally } from './meters.ts'
import { NamePlace } from './name-place.ts'
import { publicName, renamed } from './openai/response.ts'
import { ByteTap, EventTap, isEventStream, isJson, isPage } from './passage.ts'

const none: readonly string[] = Object.freeze([])

/** `path` has the model's place as `{model}`, `version` is `/versions/…` or ''. */
export function carryInference(
  ask: Ask,
  path: string,
  version: string,
  { served, shown }: Pick<CarriageOptions, 'served' | 'shown'>,
): Carriage {
  const name = shown === undefined ? undefined : publicName(shown)
  const place = ask.operation === 'oip.model' ? 'name' : 'model_name'
  const tally = () => new Tally(ask.operation, { ask })
  return {
    path: path.replace('{model}', () => encodeURIComponent(served) + version),
    body: ask.bytes,
    streamType: '',
    same: true,
    dropped: none,
    clamped: none,
    tap: () => new ByteTap(tally()),
    reply: body => readReply(body, new NamePlace(place), name, tally()),
    answers: contentType => {
      if (isJson(contentType)) return 'whole'
      if (isEventStream(contentType)) return new EventTap('text', errorEvent, tally())
      return isPage(contentType) ? undefined : new ByteTap(tally())
    },
  }
}

/** Whole and JSON; the name that the caller knows stands in it. */
function readReply(
  body: Buffer,
  place: NamePlace,
  name: Buffer | undefined,
  tally: Tally,
): Reply | undefined {
  if (!place.find(body)) return undefined
  const bytes = place.differs(body, name) ? renamed(body, place.start, place.end, name) : body
  return { bytes, usage: tally.usage(undefined), error: undefined }
}

function errorEvent(fault: Fault): string {
  return `data: ${JSON.stringify({ error: fault.message })}\n\n`
}
