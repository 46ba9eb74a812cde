// What only makes sense in a conversation: names, and questions that the model cannot answer.
import type { Random } from '../random.ts'
import type { Pair } from './pair.ts'

const names =
  'Anna Ben Clara David Emma Frank Grace Henry Ida Jack Kate Leo Maria Nina Oscar Paul Rosa Sam Tom Wei Li Ming'.split(
    ' ',
  )

/** A name is told, and asked for at once or after something else was spoken `between`. */
export function introduction(random: Random, between: () => Pair): readonly Pair[] {
  const name = random.pick(names)
  const told = {
    ask: random.pick([
      `My name is ${name}.`,
      `I am ${name}.`,
      `Hello, I am ${name}.`,
      `Hi, my name is ${name}.`,
      `Call me ${name}.`,
    ]),
    answer: `Nice to meet you, ${name}!`,
  }
  const asked = {
    ask: random.pick(['What is my name?', 'Who am I?', 'Do you remember my name?']),
    answer: `Your name is ${name}.`,
  }
  const chance = random.next()
  if (chance < 0.3) return [told]
  if (chance < 0.6) return [told, asked]
  return chance < 0.8 ? [told, between(), asked] : [told, between(), between(), asked]
}

export const forgotten: Pair = { ask: 'What is my name?', answer: 'You have not told me your name yet.' }

const starts = [
  'b',
  'br',
  'd',
  'f',
  'fl',
  'g',
  'gr',
  'k',
  'l',
  'm',
  'n',
  'p',
  'qu',
  'r',
  's',
  'st',
  't',
  'tr',
  'v',
  'w',
  'z',
  'ch',
  'sh',
]
const middles = ['a', 'e', 'i', 'o', 'u', 'ai', 'ea', 'oo', 'ou']
const ends = [
  'n',
  'r',
  's',
  't',
  'l',
  'm',
  'nd',
  'rt',
  'st',
  'tion',
  'ment',
  'ing',
  'er',
  'ic',
  'ology',
  'ium',
  'ist',
  'ness',
]
const invented = (random: Random) =>
  Array.from({ length: 1 + random.below(2) }, () => random.pick(starts) + random.pick(middles)).join('') +
  random.pick(ends)
const far = [
  'the history of Rome',
  'quantum physics',
  'the stock market',
  'chess',
  'the best football team',
  'a good restaurant',
  'modern art',
  'the human brain',
  'tax law',
  'the price of gold',
  'dinosaurs',
  'volcanoes',
  'the president',
  'my homework',
  'this error',
  'black holes',
  'my project',
  'medicine',
  'an old war',
  'philosophy',
  'mathematics',
  'chemistry',
  'a film',
  'the news',
]
const thing = (random: Random) => {
  const word = invented(random)
  return random.pick([
    word,
    `a ${word}`,
    `the ${word}`,
    `${word} ${invented(random)}`,
    random.pick(far),
    random.pick(far),
    random.pick(far),
  ])
}

/** Questions from outside the model's small world: it says so. */
export function unknown(random: Random): Pair {
  const it = thing(random)
  const ask = random.pick([
    `What is ${it}?`,
    `Who was ${it}?`,
    `Explain ${it}.`,
    `How does ${it} work?`,
    `Why is ${it} ${invented(random)}?`,
    `Can you ${invented(random)} ${it}?`,
    `Tell me about ${it}.`,
    `Write an essay about ${it}.`,
    `When was ${it} ${invented(random)}?`,
    `What do you think about ${it}?`,
    `Where can I find ${it}?`,
    `Translate ${it}.`,
    `How do I ${invented(random)} ${it}?`,
    `Who won ${it}?`,
    `Who won ${it} in ${1900 + random.below(130)}?`,
    `How many ${it} are there?`,
    `${invented(random)} ${invented(random)} ${invented(random)}`,
    `Please fix ${it}.`,
    `What is the difference between ${it} and ${thing(random)}?`,
  ])
  return {
    ask,
    answer: random.pick([
      'I do not know that. I am a very small model.',
      'I do not know much about that. Ask me about trains, numbers or capitals.',
    ]),
  }
}
