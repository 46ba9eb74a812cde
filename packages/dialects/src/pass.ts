// Carries a request to an upstream of its own dialect: the same bytes, but for the model's name.
import { answerId } from './callers.ts'
import type { Carriage, CarriageOptions, Reply, Speech, Tap } from './carriage.ts'
import { usageOf } from './convert.ts'
import type { About, ChatPort } from './dialect.ts'
import type { Ask } from './exchange.ts'
import { cleaning } from './foreign.ts'
import { modelNameEdits } from './gemini/model-names.ts'
import { errorOf } from './heard.ts'
import { NamePlace } from './name-place.ts'
import { upstreamBody } from './openai/request.ts'
import { publicName, readReply, renamed } from './openai/response.ts'
import { StreamTap } from './openai/stream.ts'
import { PassTap, type Script } from './pass-tap.ts'
import { unsupportedParameter } from './raw.ts'
import { anthropicScript, geminiArrayScript, geminiScript, ollamaScript, responsesScript } from './scripts.ts'
import { mayJoinTokens, speeches, upstreamPort } from './speech.ts'
import { type Edit, modelEdit, spliced } from './splice.ts'

const none: readonly string[] = Object.freeze([])

/** The upstream speaks the caller's dialect. */
export function carrySame(ask: Ask, to: Speech, options: CarriageOptions): Carriage {
  switch (to.dialect) {
    case 'openai':
      return openaiCarriage(ask, '/v1/chat/completions', to, to.row.streamUsage, options)
    case 'responses': {
      const about = aboutOf(ask, options)
      return passing(ask, '/v1/responses', to, options, () => responsesScript(to, about))
    }
    case 'anthropic':
      return passing(ask, '/v1/messages', to, options, () => anthropicScript(to))
    case 'gemini': {
      const path = geminiPath(to.row.root, options.served, ask.stream.on)
      const script = ask.caller === 'geminiArray' ? geminiArrayScript : geminiScript
      return passing(ask, path, to, options, () => script(to))
    }
    case 'ollama': {
      const path = ask.caller === 'ollamaGenerate' ? '/api/generate' : '/api/chat'
      return passing(ask, path, to, options, () => ollamaScript(to))
    }
  }
}

function aboutOf({ caller, stream }: Ask, { about, shown, served }: CarriageOptions): About {
  return {
    id: answerId(caller, about.id),
    created: about.created,
    model: shown ?? served,
    usage: stream.usage,
  }
}

function geminiPath(root: string, served: string, stream: boolean): string {
  const verb = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
  return `${root}/models/${encodeURIComponent(served)}:${verb}`
}

/** OpenAI's own, on any of its paths. */
export function openaiCarriage(
  ask: Ask,
  path: string,
  to: Speech,
  streamUsage: boolean,
  { served, shown }: Pick<CarriageOptions, 'served' | 'shown'>,
): Carriage {
  const name = shown === undefined ? undefined : publicName(shown)
  const measured = mayJoinTokens(to)
  return {
    path,
    body: upstreamBody(ask, served, streamUsage),
    streamType: speeches.openai.streamType,
    same: true,
    dropped: none,
    clamped: none,
    tap: () => new StreamTap({ name, usage: ask.stream.usage, choices: ask.n, measured }),
    reply: body => readReply(body, name),
  }
}

const withoutThoughts =
  'The turn before was thought by a model of another provider: leave its thoughts and this out, or begin anew.'

function passing(
  ask: Ask,
  path: string,
  to: Exclude<Speech, { dialect: 'openai' }>,
  { served, shown, strict }: CarriageOptions,
  script: () => Script,
): Carriage {
  const name = shown === undefined ? undefined : publicName(shown)
  const measured = mayJoinTokens(to)
  const { edits, dropped } = cleaning(ask, to.dialect)
  const [lost] = dropped
  if (strict && lost !== undefined) throw unsupportedParameter(lost, withoutThoughts)
  return {
    path,
    body: spliced(ask.bytes, [...nameEdits(ask, to, served), ...edits], ask.stream.on),
    streamType: speeches[to.dialect].streamType,
    same: true,
    dropped,
    clamped: none,
    tap: (): Tap => new PassTap(script(), name, measured),
    reply: body => passReply(body, upstreamPort(to), name),
  }
}

/** Gemini's path names the model; a body that names it too must not name another. */
function nameEdits({ bytes, at, model }: Ask, { dialect }: Speech, served: string): readonly Edit[] {
  if (dialect === 'gemini') return at.model ? modelNameEdits(bytes, served) : []
  return modelEdit(bytes, at.model, { asked: model, served })
}

function passReply(body: Buffer, port: ChatPort, name: Buffer | undefined): Reply | undefined {
  const heard = port.readReply(body)
  const place = new NamePlace(port.name === 'gemini' ? 'modelVersion' : 'model')
  if (!heard || !place.find(body)) return undefined
  const fault = heard.find(delta => delta.type === 'fault')
  return {
    bytes: place.differs(body, name) ? renamed(body, place.start, place.end, name) : body,
    usage: usageOf(heard),
    error: fault?.type === 'fault' ? errorOf(fault) : undefined,
  }
}
