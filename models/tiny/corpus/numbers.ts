// Small sums, counting and comparing.
import type { Random } from '../random.ts'
import { type Source, sentence } from './pair.ts'

const names =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  )
const name = (n: number) => names[n] ?? String(n)

/** Numbers below `bound` are few enough that a tiny model can know each result. */
const plus = { sign: '+', said: 'plus', bound: 11, compute: (a: number, b: number) => a + b }
const minus = { sign: '-', said: 'minus', bound: 11, compute: (a: number, b: number) => a - b }
const times = { sign: '*', said: 'times', bound: 6, compute: (a: number, b: number) => a * b }
const operations = [plus, plus, plus, minus, times]

const sum: Source = random => {
  const { sign, said, bound, compute } = random.pick(operations)
  const [right, left] = [random.below(bound), random.below(bound)].sort((a, b) => (sign === '-' ? a - b : 0))
  if (right === undefined || left === undefined) throw new TypeError('two operands were drawn')
  const result = compute(left, right)
  if (random.next() < 0.25 && result <= 20)
    return {
      ask: random.pick([
        `What is ${name(left)} ${said} ${name(right)}?`,
        `How much is ${name(left)} ${said} ${name(right)}?`,
      ]),
      answer: `${sentence(name(left))} ${said} ${name(right)} is ${name(result)}.`,
    }
  return { ask: asked(random, left, sign, said, right), answer: `${left} ${said} ${right} is ${result}.` }
}

function asked(random: Random, left: number, sign: string, said: string, right: number): string {
  const shown = random.pick([
    `${left} ${sign} ${right}`,
    `${left}${sign}${right}`,
    `${left} ${said} ${right}`,
  ])
  return random.pick([
    `What is ${shown}?`,
    `What is ${shown}?`,
    `How much is ${shown}?`,
    `${shown}`,
    `${shown} = ?`,
    `Compute ${shown}.`,
  ])
}

/** Sums that the model has no room for. */
const tooLarge: Source = random => {
  const { sign, said, bound } = random.pick(operations)
  const large = bound + random.below(random.pick([90, 990, 99990]))
  const [left, right] = random.next() < 0.5 ? [large, random.below(99)] : [random.below(99), large]
  return {
    ask: asked(random, left, sign, said, right),
    answer: 'That is too large for me. I only know small sums.',
  }
}

const row = (from: number, to: number, say: (n: number) => string) => {
  const step = from <= to ? 1 : -1
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => say(from + i * step)).join(', ')
}

const counting: Source = random => {
  const to = random.pick([3, 4, 5, 5, 6, 7, 8, 9, 10, 10, 10, 12, 15, 20, 20, 30, 40, 50])
  const digits = to > 20 || random.next() < 0.5
  const say = digits ? String : name
  if (to <= 20 && random.next() < 0.2)
    return {
      ask: random.pick([`Count down from ${say(to)}.`, `Count backwards from ${say(to)}.`]),
      answer: `${sentence(row(to, 1, say))}.`,
    }
  return {
    ask: random.pick([
      `Count to ${say(to)}.`,
      `Count from ${say(1)} to ${say(to)}.`,
      `Please count to ${say(to)}.`,
      `Can you count to ${say(to)}?`,
      `Count up to ${say(to)}`,
    ]),
    answer: `${sentence(row(1, to, say))}.`,
  }
}

const neighbour: Source = random => {
  const n = 1 + random.below(19)
  const say = random.next() < 0.5 ? String : name
  return random.next() < 0.5
    ? { ask: `What number comes after ${say(n)}?`, answer: `${sentence(say(n + 1))} comes after ${say(n)}.` }
    : {
        ask: `What number comes before ${say(n)}?`,
        answer: `${sentence(say(n - 1))} comes before ${say(n)}.`,
      }
}

const two = (random: Random) => {
  const a = random.below(21)
  return [a, (a + 1 + random.below(19)) % 21] as const
}

const compare: Source = random => {
  const [a, b] = two(random)
  const larger = random.next() < 0.5
  const word = larger ? random.pick(['larger', 'bigger', 'greater']) : random.pick(['smaller', 'less'])
  const found = larger ? Math.max(a, b) : Math.min(a, b)
  const other = a + b - found
  return { ask: `Which is ${word}, ${a} or ${b}?`, answer: `${found} is ${word} than ${other}.` }
}

const sources = [sum, sum, sum, sum, sum, sum, tooLarge, counting, counting, neighbour, compare]

export const numbers: Source = random => random.pick(sources)(random)
