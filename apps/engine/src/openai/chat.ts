// POST /v1/chat/completions
import { z } from 'zod'
import type { Message } from '../chat.ts'
import type { Engine } from '../engine.ts'
import type { Reply } from '../reply.ts'
import { answer, type Wording } from './answer.ts'
import { invalid, parseBody, unsupported } from './errors.ts'
import { refuseOversize } from './input.ts'
import { sharedFields } from './sampling.ts'

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const

const messageSchema = z.looseObject({
  role: z.enum(roles),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).nullish(),
})

const schema = z.looseObject({
  ...sharedFields,
  messages: z.array(messageSchema).min(1),
  max_completion_tokens: sharedFields.max_tokens,
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish(),
})

const wording: Wording = {
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  whole: (content, finish) => ({
    index: 0,
    message: { role: 'assistant', content, refusal: null },
    logprobs: null,
    finish_reason: finish,
  }),
  first: { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
  delta: content => ({ index: 0, delta: { content }, logprobs: null, finish_reason: null }),
  last: finish => ({ index: 0, delta: {}, logprobs: null, finish_reason: finish }),
}

export async function chatCompletions(engine: Engine, request: unknown, reply: Reply): Promise<void> {
  const body = parseBody(schema, request)
  for (const param of ['tools', 'functions'])
    if (Array.isArray(body[param]) && body[param].length > 0) throw unsupported('Calling tools', param)
  const messages = body.messages.map(message)
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0)
  refuseOversize(engine.machine.model, characters, 'messages')
  const prompt = engine.chatPrompt(messages, body.chat_template_kwargs ?? {})
  await answer(
    engine,
    body,
    prompt,
    body.max_completion_tokens ?? body.max_tokens,
    'messages',
    wording,
    reply,
  )
}

function message(given: z.output<typeof messageSchema>, index: number): Message {
  const role = given.role === 'developer' ? 'system' : given.role
  return { ...given, role, content: contentText(given.content, index) }
}

function contentText(content: z.output<typeof messageSchema>['content'], index: number): string {
  if (typeof content === 'string') return content
  return (content ?? [])
    .map((part, at) => {
      if (part.type === 'text' && typeof part.text === 'string') return part.text
      throw invalid(
        `This engine reads text only, and messages.${index}.content.${at} is of type ${JSON.stringify(part.type)}.`,
        `messages.${index}.content.${at}`,
      )
    })
    .join('')
}
