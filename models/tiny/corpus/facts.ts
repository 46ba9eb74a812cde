// Small facts as tables: capitals, colours, opposites, animals, days, plurals.
import { fromTable, type Source, sentence, table } from './pair.ts'

const capitals = table(`
France | Paris
Germany | Berlin
Italy | Rome
Spain | Madrid
Portugal | Lisbon
England | London
the United Kingdom | London
Ireland | Dublin
Scotland | Edinburgh
Norway | Oslo
Sweden | Stockholm
Finland | Helsinki
Denmark | Copenhagen
Iceland | Reykjavik
Poland | Warsaw
Austria | Vienna
Switzerland | Bern
Hungary | Budapest
Greece | Athens
Turkey | Ankara
Russia | Moscow
Ukraine | Kyiv
Belgium | Brussels
the Netherlands | Amsterdam
China | Beijing
Japan | Tokyo
South Korea | Seoul
India | New Delhi
Thailand | Bangkok
Vietnam | Hanoi
Indonesia | Jakarta
the Philippines | Manila
Singapore | Singapore
Mongolia | Ulaanbaatar
Egypt | Cairo
Kenya | Nairobi
Ethiopia | Addis Ababa
Morocco | Rabat
Ghana | Accra
Nigeria | Abuja
Canada | Ottawa
the United States | Washington
the USA | Washington
Mexico | Mexico City
Cuba | Havana
Brazil | Brasilia
Argentina | Buenos Aires
Chile | Santiago
Peru | Lima
Colombia | Bogota
Australia | Canberra
New Zealand | Wellington
the Czech Republic | Prague
Romania | Bucharest
Israel | Jerusalem
Iran | Tehran
`)

const colours = table(`
the sky | blue
the sea | blue
grass | green
snow | white
milk | white
blood | red
a tomato | red
a banana | yellow
the sun | yellow
a lemon | yellow
coal | black
the night | black
an orange | orange
a carrot | orange
chocolate | brown
wood | brown
a leaf | green
an elephant | grey
a cloud | white or grey
a violet | purple
a rose | red
gold | yellow
silver | grey
`)

const opposites = table(`
hot | cold
big | small
large | small
fast | slow
up | down
left | right
open | closed
day | night
black | white
good | bad
happy | sad
old | young
new | old
long | short
high | low
light | dark
early | late
full | empty
hard | soft
strong | weak
rich | poor
wet | dry
heavy | light
first | last
start | stop
yes | no
north | south
east | west
near | far
loud | quiet
`)

const animals = table(`
a dog | an animal that lives with people and likes to run and play | barks
a cat | a soft animal that catches mice and sleeps a lot | says meow
a horse | a strong animal that people can ride | neighs
a cow | a large animal that eats grass and gives milk | says moo
a sheep | an animal with warm wool | says baa
a duck | a bird that swims on ponds | says quack
a lion | a large wild cat that lives in Africa | roars
a frog | a small green animal that lives in water and on land | croaks
an owl | a bird that flies at night | hoots
a bee | a small insect that makes honey | buzzes
a wolf | a wild animal that lives in a pack | howls
a mouse | a very small animal with a long tail | squeaks
`)

const words = table(`
an apple | a round fruit that is red, green or yellow
a house | a building in which people live
a river | water that flows through the land to the sea
a mountain | a very high hill
an island | land with water all around it
the sea | the salt water that covers most of the Earth
a tree | a tall plant with a trunk, branches and leaves
a flower | the part of a plant that is bright and smells good
a chair | a thing to sit on
a table | a flat thing on legs, to eat or work at
a clock | a machine that shows the time
a lamp | a thing that gives light
a car | a machine with four wheels that drives on roads
a bicycle | a machine with two wheels that you move with your feet
a ship | a large boat that sails on the sea
a plane | a machine that flies through the air
a city | a place where very many people live and work
a village | a small place in the country where few people live
a teacher | a person who helps others to learn
a doctor | a person who helps sick people
a friend | a person whom you like and trust
a key | a small thing that opens a lock
a door | the part of a house through which you go in and out
a window | a hole in the wall with glass, to let in light
ice | water that is frozen
steam | water that has become hot gas
iron | a hard grey metal
steel | iron with a little carbon, hard and strong
glass | a clear and hard material made of sand
paper | thin material made of wood, to write on
money | what people use to pay for things
music | sound that is made to be beautiful
time | what a clock measures
a year | the time in which the Earth goes once around the sun
a star | a very hot ball of gas far away in the sky
the Earth | the planet on which we live
`)

const weekdays = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ')
const months = 'January February March April May June July August September October November December'.split(
  ' ',
)

const neighbours: Source = random => {
  const list = random.pick([weekdays, months])
  const at = random.below(list.length)
  const here = list[at] ?? ''
  const after = list[(at + 1) % list.length] ?? ''
  const before = list[(at + list.length - 1) % list.length] ?? ''
  const kind = list === weekdays ? 'day' : 'month'
  return random.next() < 0.6
    ? {
        ask: random.pick([
          `Which ${kind} comes after ${here}?`,
          `What comes after ${here}?`,
          `What ${kind} is after ${here}?`,
        ]),
        answer: `${after} comes after ${here}.`,
      }
    : {
        ask: random.pick([`Which ${kind} comes before ${here}?`, `What comes before ${here}?`]),
        answer: `${before} comes before ${here}.`,
      }
}

const lists = table(`
the days of the week | ${weekdays.join(', ')}.
the months of the year | ${months.join(', ')}.
the four seasons | Spring, summer, autumn and winter.
the seasons | Spring, summer, autumn and winter.
three colours | Red, green and blue.
some colours | Red, orange, yellow, green, blue and purple.
the colours of the rainbow | Red, orange, yellow, green, blue, indigo and violet.
three animals | A dog, a cat and a horse.
three fruits | An apple, a pear and a banana.
five fruits | An apple, a pear, a banana, an orange and a plum.
the planets | Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus and Neptune.
the points of the compass | North, east, south and west.
three cities | Paris, Beijing and Nairobi.
the continents | Africa, America, Antarctica, Asia, Australia and Europe.
the letters of the alphabet | A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
the alphabet | A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
three kinds of trains | Freight trains, local trains and high speed trains.
three tools | A hammer, a saw and a wrench.
`)

const counts = table(`
days are in a week | There are seven days in a week.
months are in a year | There are twelve months in a year.
days are in a year | There are 365 days in a year.
hours are in a day | There are 24 hours in a day.
minutes are in an hour | There are 60 minutes in an hour.
seconds are in a minute | There are 60 seconds in a minute.
legs does a dog have | A dog has four legs.
legs does a spider have | A spider has eight legs.
legs does a bird have | A bird has two legs.
wheels does a car have | A car has four wheels.
wheels does a bicycle have | A bicycle has two wheels.
planets are there | There are eight planets.
letters are in the alphabet | There are 26 letters in the alphabet.
continents are there | There are seven continents, as most people count them.
rails does a track have | A track has two rails.
metres are in a kilometre | There are 1000 metres in a kilometre.
eyes do you have | I have no eyes. I am a model.
fingers does a hand have | A hand has five fingers.
`)

const capital = fromTable(
  capitals,
  [
    'What is the capital of {0}?',
    'What is the capital of {0}?',
    "What's the capital of {0}?",
    'Capital of {0}?',
    'Which city is the capital of {0}?',
    'Tell me the capital of {0}.',
    'Name the capital of {0}.',
    'Do you know the capital of {0}?',
  ],
  ['The capital of {0} is {1}.'],
)
const country = fromTable(
  capitals.filter(([, city]) => city !== 'London' && city !== 'Washington'),
  ['Where is {1}?', 'In which country is {1}?', 'Which country has the capital {1}?'],
  ['{1} is the capital of {0}.'],
)
const colour = fromTable(
  colours,
  [
    'What colour is {0}?',
    'What color is {0}?',
    'Which colour is {0}?',
    'What is the colour of {0}?',
    'Tell me the colour of {0}.',
  ],
  ['{0} is {1}.'],
)
const opposite = fromTable(
  opposites,
  [
    'What is the opposite of {0}?',
    "What's the opposite of {0}?",
    'Opposite of {0}?',
    'Tell me the opposite of {0}.',
  ],
  ['The opposite of {0} is {1}.'],
)
const animal = fromTable(
  animals,
  ['What is {0}?', 'Tell me about {0}.', 'Describe {0}.', 'Explain what {0} is.'],
  ['{0} is {1}.'],
)
const noise = fromTable(
  animals,
  ['What sound does {0} make?', 'What does {0} say?', 'Which sound does {0} make?'],
  ['{0} {2}.'],
)
const word = fromTable(
  words,
  ['What is {0}?', 'Explain what {0} is.', 'What does {0} mean?', 'Define {0}.', 'Describe {0}.'],
  ['{0} is {1}.'],
)
const list = fromTable(
  lists,
  ['Name {0}.', 'List {0}.', 'Tell me {0}.', 'What are {0}?', 'Say {0}.', 'Can you name {0}?'],
  ['{1}'],
)
const count = fromTable(counts, ['How many {0}?', 'Tell me, how many {0}?'], ['{1}'])

const short =
  'pong hello world banana orange train ready done green red blue signal track yard Switchyard Paris maybe seven thanks works'.split(
    ' ',
  )

const echo: Source = random => {
  const [said = ''] = random.pick([...words, ...opposites, ...short.map(name => [name])])
  const plain = said.replace(/^(an?|the) /, '')
  return {
    ask: random.pick([
      `Say the word ${plain}.`,
      `Repeat after me: ${plain}`,
      `Say "${plain}".`,
      `Repeat the word ${plain}.`,
      `Reply with the word ${plain}.`,
      `Reply with ${plain}.`,
      `Say ${plain}`,
      `Reply with exactly: ${plain}`,
      `Answer with one word: ${plain}`,
    ]),
    answer: `${sentence(plain)}.`,
  }
}

const sources = [
  capital,
  capital,
  capital,
  country,
  colour,
  opposite,
  animal,
  noise,
  word,
  word,
  list,
  list,
  count,
  neighbours,
  echo,
]

export const facts: Source = random => random.pick(sources)(random)
