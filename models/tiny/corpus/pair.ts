// What the sources of the corpus give: a question and its answer, drawn by chance from owned text.
import type { Random } from '../random.ts'

export interface Pair {
  readonly ask: string
  readonly answer: string
}

/** Draws one pair. */
export type Source = (random: Random) => Pair

/** Several ways to ask the same, several ways to answer. */
export interface Topic {
  readonly ask: readonly string[]
  readonly answer: readonly string[]
}

export const fromTopics =
  (topics: readonly Topic[]): Source =>
  random => {
    const topic = random.pick(topics)
    return { ask: random.pick(topic.ask), answer: random.pick(topic.answer) }
  }

/** Rows of a table, with ways to ask and answer that name its columns as {0}, {1}, … */
export const fromTable =
  (rows: readonly (readonly string[])[], ask: readonly string[], answer: readonly string[]): Source =>
  random => {
    const row = random.pick(rows)
    const fill = (text: string) => text.replace(/\{(\d)\}/g, (_, column) => row[Number(column)] ?? '')
    return { ask: fill(random.pick(ask)), answer: sentence(fill(random.pick(answer))) }
  }

/** Rows of "a | b | c" lines. */
export const table = (lines: string) =>
  lines
    .trim()
    .split('\n')
    .map(line => line.split('|').map(cell => cell.trim()))

/** With a capital first letter. */
export const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
