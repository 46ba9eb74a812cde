// The text that the model learns from, all of it written for this repository: chats in ChatML and plain
// prose, drawn without end from hand-written topics, tables and grammars.
import { chinese } from './corpus/chinese.ts'
import { forgotten, introduction, unknown } from './corpus/dialogue.ts'
import { facts } from './corpus/facts.ts'
import { numbers } from './corpus/numbers.ts'
import type { Pair } from './corpus/pair.ts'
import { longStory, prose, reading, statement } from './corpus/prose.ts'
import { railway } from './corpus/railway.ts'
import { switchyard } from './corpus/switchyard.ts'
import { greetings, talk } from './corpus/talk.ts'
import type { Random } from './random.ts'

/** A stretch of text and whether the model is to learn to say it (else it only reads it). */
export interface Span {
  readonly text: string
  readonly said: boolean
}
/** One document of training. */
export type Document = readonly Span[]

/** How often each source is drawn. */
const mix: readonly (readonly [share: number, draw: (random: Random) => readonly Pair[]])[] = [
  [17, random => [talk(random)]],
  [10, random => [greetings(random)]],
  [14, random => [switchyard(random)]],
  [13, random => [railway(random)]],
  [18, random => [facts(random)]],
  [20, random => [numbers(random)]],
  [8, random => [chinese(random)]],
  [5, random => [unknown(random)]],
  [3, random => introduction(random, () => greeted(random))],
  [1, random => [random.next() < 0.1 ? forgotten : statement(random)]],
  [2, random => [reading(random)]],
  [1, random => [longStory(random)]],
]
/** What may come between a name and the question for it. */
const greeted = (random: Random) => random.pick([greetings, railway, switchyard, facts])(random)

const shares = mix.reduce((sum, [share]) => sum + share, 0)

function draw(random: Random): readonly Pair[] {
  let left = random.next() * shares
  for (const [share, source] of mix) {
    left -= share
    if (left < 0) return source(random)
  }
  return [talk(random)]
}

/** How people type: without capitals or a full stop, with a word of politeness. */
function typed(random: Random, ask: string): string {
  const chance = random.next()
  if (chance < 0.72) return ask
  if (chance < 0.8) return ask.toLowerCase()
  if (chance < 0.88) return ask.replace(/[.?!？。！]$/u, '')
  if (chance < 0.94) return ask.toLowerCase().replace(/[.?!？。！]$/u, '')
  if (!/^[A-Z][a-z]+ /.test(ask) || ask.startsWith('I ')) return ask
  const lowered = ask.charAt(0).toLowerCase() + ask.slice(1)
  return (
    random.pick(['Hello! ', 'Please tell me: ', 'Hi, ', 'I have a question: ', 'Can you tell me this? ']) +
    lowered
  )
}

const instructions = [
  'You are a helpful assistant.',
  'You are a helpful assistant.',
  'You are Switchyard Tiny, a small model.',
  'Answer in short sentences.',
  'You are a friendly assistant. Be brief and honest.',
  'Be polite and answer every question as well as you can.',
  'You are an assistant for railway questions.',
  'If you do not know the answer, say so. Do not make things up. Be safe, respectful and honest, and always help as well as you can.',
  'Answer in English.',
]

function chat(random: Random): Document {
  // A few long ones teach attention to reach far back.
  const rounds = random.next() < 0.03 ? 8 + random.below(12) : random.pick([1, 1, 1, 1, 2, 2, 3, 4])
  const pairs = Array.from({ length: rounds }, () => draw(random)).flat()
  const system = random.next() < 0.25 ? `<|im_start|>system\n${random.pick(instructions)}<|im_end|>\n` : ''
  return pairs.flatMap(({ ask, answer }, at) => [
    {
      text: `${at === 0 ? system : '\n'}<|im_start|>user\n${typed(random, ask)}<|im_end|>\n<|im_start|>assistant\n`,
      said: false,
    },
    { text: `${answer}<|im_end|>`, said: true },
  ])
}

/** Prose, or answers that stand alone, so that a bare prompt is continued with sentences. */
function plain(random: Random): Document {
  const text =
    random.next() < 0.75
      ? prose(random)
      : random.pick([railway, switchyard, talk, greetings, facts, facts])(random).answer
  return [{ text: `${text}<|endoftext|>`, said: true }]
}

export const document = (random: Random): Document => (random.next() < 0.84 ? chat(random) : plain(random))

/** A document as one string. */
export const textOf = (spans: Document) => spans.map(span => span.text).join('')
