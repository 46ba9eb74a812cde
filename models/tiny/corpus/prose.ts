// Plain prose: a grammar of short scenes around the yard, and questions about such texts.
import type { Random } from '../random.ts'
import { type Pair, sentence } from './pair.ts'

const hours = [
  'At dawn',
  'In the morning',
  'At noon',
  'In the evening',
  'At night',
  "At six o'clock",
  'On Monday',
  'In winter',
  'In spring',
  'In summer',
  'In autumn',
  'After the storm',
]
const skies = [
  'the sky was clear',
  'rain fell on the roofs',
  'snow lay on the tracks',
  'fog hung over the yard',
  'the sun was shining',
  'a cold wind blew from the north',
  'the stars were bright',
  'dark clouds came from the west',
]
const people = [
  'the driver',
  'the conductor',
  'the dispatcher',
  'an old man',
  'a young woman',
  'a girl with a red bag',
  'the engineer',
  'a boy',
  'the station master',
  'a teacher',
]
const places = [
  'the station',
  'the yard',
  'the bridge',
  'the harbour',
  'the village',
  'the city',
  'the mountain',
  'the river',
  'the tunnel',
  'the sea',
]
const trains = [
  'the freight train',
  'the night train',
  'a long train',
  'the old locomotive',
  'the blue train',
  'the first train',
  'the express',
  'a small train',
  'the last train',
]
const goods = ['coal', 'grain', 'steel', 'wood', 'letters', 'apples', 'water', 'new cars', 'copper', 'paper']

/** What a text can be about, its sentences, and the answer to "what is it about?". */
const scenes: readonly { readonly about: string; readonly says: (random: Random) => readonly string[] }[] = [
  {
    about: 'a train',
    says: random => {
      const train = random.pick(trains)
      const place = random.pick(places)
      return [
        `${sentence(train)} ${random.pick(['left', 'rolled out of', 'waited at', 'came to', 'passed', 'stopped near'])} ${place}.`,
        `It carried ${random.pick(goods)} and ${random.pick(goods)} for ${random.pick(['the north', 'the south', 'the east', 'the west'])}.`,
        random.pick([
          'The wheels sang on the rails.',
          'The signal ahead was green.',
          'The driver looked at the clock and smiled.',
          'The wagons followed one after the other.',
          'The switch moved, and the train took the left track.',
        ]),
        random.pick([
          'By evening it was far away.',
          'Nobody had to wait for it.',
          'It arrived on time.',
          'Only a little steam was left in the air.',
          'Then the yard was quiet again.',
        ]),
      ]
    },
  },
  {
    about: 'people at the railway',
    says: random => {
      const person = random.pick(people)
      return [
        `${sentence(person)} ${random.pick(['stood on the platform', 'walked along the tracks', 'looked out of the window', 'opened the door', 'read the timetable'])} and ${random.pick(['waited for the train', 'thought of home', 'listened to the rain', 'counted the wagons', 'watched the signals'])}.`,
        random.pick([
          'There was still time.',
          'The bell rang twice.',
          'Somebody called a name.',
          'The lamp above the door was yellow.',
          'Everything was ready.',
        ]),
        `"${random.pick(['The line is clear', 'We leave in five minutes', 'Tomorrow will be a better day', 'The bridge is open again', 'All signals are green'])}," said ${random.pick(people)}.`,
        random.pick([
          'They both laughed.',
          'Then the train began to move.',
          'It was a good day.',
          'And so the journey began.',
          'That was all they needed to know.',
        ]),
      ]
    },
  },
  {
    about: 'the weather',
    says: random => [
      `${random.pick(hours)} ${random.pick(skies)}.`,
      random.pick([
        'The trains ran slowly, but they ran.',
        'The signals shone red and green.',
        'The rails were wet and bright.',
        'The workers put on warm coats.',
        'Nobody was on the platform.',
      ]),
      random.pick([
        'Later the sun came back.',
        'Then the wind became weaker.',
        'It lasted until the evening.',
        'The next day was warm and dry.',
        'In the end the sky was blue.',
      ]),
    ],
  },
  {
    about: 'electricity',
    says: random => [
      random.pick([
        'Electricity comes to the railway on wires above the tracks.',
        'The substation stands beside the yard.',
        'A power station makes electricity from water, wind or coal.',
      ]),
      random.pick([
        'A transformer lowers the voltage, so that the engine can use it.',
        'Copper wires carry the current over many kilometres.',
        'When the current is too strong, a breaker opens.',
      ]),
      random.pick([
        'The locomotive turns the current into motion.',
        'The lamps of the station use the same line.',
        'When a train brakes, it can give some of the energy back.',
      ]),
    ],
  },
  {
    about: 'Switchyard',
    says: random => [
      random.pick([
        'Switchyard runs AI models on any cluster.',
        'A request comes in, and the gateway looks at its key.',
        'An endpoint says which model should run.',
      ]),
      random.pick([
        'The gateway sends each request down the right track.',
        'A controller starts the engine and waits until it is ready.',
        'Every token is counted and written down.',
      ]),
      random.pick([
        'When an engine stops, another one takes its place.',
        'So everyone can see what was used and what it costs.',
        'Nothing is lost, even when the power fails.',
      ]),
    ],
  },
  {
    about: 'a rail yard',
    says: random => [
      'A switchyard is a place with many tracks.',
      random.pick([
        'Wagons come in from every direction.',
        'Each wagon has a number and a goal.',
        'Day and night the wagons are sorted.',
      ]),
      random.pick([
        'They roll down a small hill, and switches guide them to their track.',
        'A small locomotive pushes them slowly over the hump.',
        'The dispatcher watches the lights and moves the switches.',
      ]),
      random.pick([
        'When a train is complete, it leaves the yard.',
        'In the morning the new trains are ready.',
        'Then the signal turns green.',
      ]),
    ],
  },
]

/** One to three scenes. */
export function prose(random: Random): string {
  const count = 1 + random.below(3)
  return Array.from({ length: count }, () => random.pick(scenes).says(random).join(' ')).join(
    random.next() < 0.5 ? ' ' : '\n\n',
  )
}

/** A question about a given text. */
export function reading(random: Random): Pair {
  const scene = random.pick(scenes)
  const text = scene.says(random).join(' ')
  const ask = random.pick([
    `Summarize this text: ${text}`,
    `What is this text about? ${text}`,
    `${text}\n\nWhat is this about?`,
    `Summarize: ${text}`,
  ])
  return { ask, answer: `The text is about ${scene.about}.` }
}

/** A wish for much text: several scenes in one answer. */
export function longStory(random: Random): Pair {
  const ask = random.pick([
    'Tell me a long story.',
    'Write a long story.',
    'Write a long text about trains.',
    'Write three paragraphs about a rail yard.',
    'Tell me a very long story.',
    'Write a page about the railway.',
  ])
  return {
    ask,
    answer: Array.from({ length: 4 }, () => random.pick(scenes).says(random).join(' ')).join('\n\n'),
  }
}

/** A statement without a question. */
export function statement(random: Random): Pair {
  const says = random.pick(scenes).says(random)
  return {
    ask: random.pick(says),
    answer: random.pick([
      'That is interesting. What would you like to know about it?',
      'I see. Tell me more about it.',
    ]),
  }
}
