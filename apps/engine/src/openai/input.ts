// The four ways of OpenAI to give text: a string, strings, tokens, lists of tokens.
import { z } from 'zod'
import type { OpenModel, Token } from '../model.ts'
import { invalid } from './errors.ts'

export type Input = string | readonly number[]

const token = z.int().min(0)

export const inputSchema = z.union(
  [z.string(), z.array(token).min(1), z.array(z.string()).min(1), z.array(z.array(token).min(1)).min(1)],
  { error: 'give a string, an array of strings, an array of tokens, or an array of token arrays' },
)

export function inputs(given: z.output<typeof inputSchema>): readonly Input[] {
  if (typeof given === 'string') return [given]
  // The schema lets arrays be of one kind only; an array of numbers is one input.
  return typeof given[0] === 'number' ? [given as number[]] : (given as string[] | number[][])
}

/** Throws 400 for a number that is no token: llama.cpp itself would not survive it. */
export function vocabularyTokens(model: OpenModel, tokens: readonly number[], param: string): Token[] {
  const stranger = tokens.find(id => !Number.isInteger(id) || id < 0 || id >= model.vocabulary)
  if (stranger !== undefined)
    throw invalid(
      `Invalid '${param}': ${stranger} is not a token of this model (0 to ${model.vocabulary - 1}).`,
      param,
    )
  return [...tokens] as Token[] // each was checked against the vocabulary
}

/**
 * Throws 400 for a text that cannot fit by far. Tokenizing holds up everyone (measured: 300 ms for a million
 * characters), so such a text is not even counted.
 */
export function refuseOversize(model: OpenModel, characters: number, param: string): void {
  if (characters <= Math.max(2 ** 20, model.slotContext * 64)) return
  throw invalid(
    `This model's maximum context length is ${model.slotContext} tokens, and your ${param} has ${characters} characters. Please reduce its length.`,
    param,
    'context_length_exceeded',
  )
}
