// POST /v1/completions
import { z } from 'zod'
import { textPrompt } from '../chat.ts'
import type { Engine } from '../engine.ts'
import type { Reply } from '../reply.ts'
import { answer, type Wording } from './answer.ts'
import { invalid, parseBody, unsupported } from './errors.ts'
import { type Input, inputSchema, inputs, refuseOversize, vocabularyTokens } from './input.ts'
import { sharedFields } from './sampling.ts'

const schema = z.looseObject({ ...sharedFields, prompt: inputSchema })

const choice = (text: string, finish: string | null) => ({
  index: 0,
  text,
  logprobs: null,
  finish_reason: finish,
})

const wording: Wording = {
  idPrefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  whole: choice,
  first: undefined,
  delta: text => choice(text, null),
  last: finish => choice('', finish),
}

/** OpenAI's default of this older API: an answer without max_tokens ends after 16. */
const defaultTokens = 16

export async function completions(engine: Engine, request: unknown, reply: Reply): Promise<void> {
  const body = parseBody(schema, request)
  if (body.echo === true) throw unsupported('Echoing the prompt', 'echo')
  if (typeof body.suffix === 'string' && body.suffix !== '') throw unsupported('A suffix', 'suffix')
  if (typeof body.best_of === 'number' && body.best_of !== 1) throw unsupported('best_of', 'best_of')
  const prompts = inputs(body.prompt)
  const [only] = prompts
  if (only === undefined || prompts.length > 1)
    throw invalid(`One prompt per request, and got ${prompts.length}; send one request for each.`, 'prompt')
  const prompt = promptTokens(engine, only)
  await answer(engine, body, prompt, body.max_tokens ?? defaultTokens, 'prompt', wording, reply)
}

function promptTokens({ machine: { model } }: Engine, input: Input) {
  if (typeof input !== 'string') return vocabularyTokens(model, input, 'prompt')
  refuseOversize(model, input.length, 'prompt')
  return textPrompt(model, input)
}
