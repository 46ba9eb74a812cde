// Small sums, counting and comparing.
import type { Random } from '../random.ts'
import { type Source, sentence } from './pair.ts'

const names =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  )
const name = (n: number) => names[n] ?? String(n)

const sum: Source = random => {
  const plus = random.next() < 0.55
  const times = !plus && random.next() < 0.4
  const left = times ? 1 + random.below(10) : random.below(21)
  const right = times ? 1 + random.below(10) : plus ? random.below(21) : random.below(left + 1)
  const result = times ? left * right : plus ? left + right : left - right
  const [sign, said] = times ? ['*', 'times'] : plus ? ['+', 'plus'] : ['-', 'minus']
  if (random.next() < 0.3 && left <= 20 && right <= 20 && result <= 20)
    return {
      ask: random.pick([
        `What is ${name(left)} ${said} ${name(right)}?`,
        `How much is ${name(left)} ${said} ${name(right)}?`,
      ]),
      answer: `${sentence(name(left))} ${said} ${name(right)} is ${name(result)}.`,
    }
  const shown = random.pick([
    `${left} ${sign} ${right}`,
    `${left}${sign}${right}`,
    `${left} ${said} ${right}`,
  ])
  return {
    ask: random.pick([
      `What is ${shown}?`,
      `What is ${shown}?`,
      `How much is ${shown}?`,
      `${shown}`,
      `${shown} = ?`,
      `Compute ${shown}.`,
    ]),
    answer: `${left} ${said} ${right} is ${result}.`,
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

const sources = [sum, sum, sum, counting, counting, neighbour, compare]

export const numbers: Source = random => random.pick(sources)(random)
