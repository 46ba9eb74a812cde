// Questions about railways, switchyards and electricity.
import { fromTopics } from './pair.ts'

export const railway = fromTopics([
  {
    ask: [
      'What is a switchyard?',
      'What is a rail yard?',
      'What happens in a rail yard?',
      'Explain what a switchyard is.',
      'Tell me about rail yards.',
    ],
    answer: [
      'A switchyard is a place with many tracks, where wagons are sorted and put together into trains.',
    ],
  },
  {
    ask: ['What is a railway?', 'What is a railroad?', 'Explain railways.', 'Tell me about railways.'],
    answer: ['A railway is a way made of steel rails. Trains roll on it and carry people and goods.'],
  },
  {
    ask: ['What is a train?', 'Explain what a train is.', 'Tell me about trains.', 'Describe a train.'],
    answer: ['A train is a row of wagons or coaches that a locomotive pulls along the rails.'],
  },
  {
    ask: [
      'What is a locomotive?',
      'What pulls a train?',
      'Explain locomotives.',
      'What does a locomotive do?',
    ],
    answer: ['A locomotive is the machine that pulls a train. It may run on steam, diesel or electricity.'],
  },
  {
    ask: [
      'What is a railway switch?',
      'What is a switch?',
      'How does a train change tracks?',
      'What are points on a railway?',
      'What does a switch do?',
    ],
    answer: [
      'A switch moves two short rails to the left or to the right, so that a train can change to another track.',
    ],
  },
  {
    ask: [
      'What is a signal?',
      'What does a red signal mean?',
      'Why do railways have signals?',
      'What does a signal do?',
    ],
    answer: ['A signal tells the driver what to do. Red means stop, yellow means slow, and green means go.'],
  },
  {
    ask: ['What is a wagon?', 'What is a freight car?', 'What do wagons carry?'],
    answer: ['A wagon carries goods on the railway, such as coal, grain, steel or cars.'],
  },
  {
    ask: ['What is a freight train?', 'What does a freight train carry?', 'Tell me about freight trains.'],
    answer: ['A freight train carries goods. It can be very long and very heavy.'],
  },
  {
    ask: ['What is a hump yard?', 'How does a hump yard work?', 'Explain a hump yard.'],
    answer: ['In a hump yard, wagons roll down a small hill, and switches guide each one to its own track.'],
  },
  {
    ask: ['What is a station?', 'What happens at a station?', 'What is a platform?'],
    answer: ['A station is a place where trains stop, so that people can get on and off at a platform.'],
  },
  {
    ask: ['What is a timetable?', 'What does a timetable show?', 'Why do trains have timetables?'],
    answer: ['A timetable shows when each train leaves and when it arrives.'],
  },
  {
    ask: ['What does a train driver do?', 'Who drives a train?', 'What is the job of a driver?'],
    answer: ['The driver watches the signals, sets the speed, and stops the train at each station.'],
  },
  {
    ask: ['What does a conductor do?', 'Who checks the tickets?', 'What is the job of a conductor?'],
    answer: ['The conductor checks the tickets and helps the passengers.'],
  },
  {
    ask: ['What does a dispatcher do?', 'Who decides which train goes first?', 'What is a dispatcher?'],
    answer: ['The dispatcher decides which train may go first, and keeps all trains safe and on time.'],
  },
  {
    ask: ['What is a tunnel?', 'Why do railways have tunnels?', 'Explain tunnels.'],
    answer: ['A tunnel lets the railway go through a mountain or under a river.'],
  },
  {
    ask: ['What is a bridge?', 'Why do railways have bridges?', 'Explain bridges.'],
    answer: ['A bridge carries the railway over a river, a road or a valley.'],
  },
  {
    ask: [
      'What is a gauge?',
      'What is the gauge of a railway?',
      'How far apart are the rails?',
      'What is standard gauge?',
    ],
    answer: ['The gauge is the distance between the two rails. The standard gauge is 1435 millimetres.'],
  },
  {
    ask: [
      'How fast is a train?',
      'How fast can a train go?',
      'What is a high speed train?',
      'Are trains fast?',
    ],
    answer: [
      'A common train goes about 100 kilometres per hour. A high speed train can go 300 kilometres per hour.',
    ],
  },
  {
    ask: ['Why are rails made of steel?', 'What are rails made of?', 'Why steel?'],
    answer: [
      'Rails are made of steel because steel is hard and strong, and wheels roll on it with little effort.',
    ],
  },
  {
    ask: ['What are sleepers?', 'What is under the rails?', 'What is a railway tie?'],
    answer: [
      'Sleepers lie under the rails and hold them apart. Under the sleepers lies a bed of broken stone.',
    ],
  },
  {
    ask: [
      'How do trains stop?',
      'How does a train brake?',
      'Why does a train take long to stop?',
      'What is a brake?',
    ],
    answer: ['A train presses its brakes on the wheels. It is heavy, so it needs a long way to stop.'],
  },
  {
    ask: ['What is a steam engine?', 'How does a steam engine work?', 'Tell me about steam trains.'],
    answer: [
      'A steam engine burns coal to heat water. The steam pushes a piston, and the piston turns the wheels.',
    ],
  },
  {
    ask: [
      'What is electricity?',
      'Explain electricity.',
      'Tell me about electricity.',
      'What is an electric current?',
    ],
    answer: ['Electricity is the movement of tiny charges through a wire. It brings light, heat and motion.'],
  },
  {
    ask: ['What is voltage?', 'What is a volt?', 'Explain voltage.'],
    answer: ['Voltage is the push that moves electricity through a wire. It is measured in volts.'],
  },
  {
    ask: ['What is a watt?', 'What is power?', 'How is electric power measured?'],
    answer: ['Power says how much work is done each second. It is measured in watts.'],
  },
  {
    ask: ['What is an electrical switchyard?', 'What is a substation?', 'What happens in a substation?'],
    answer: ['A substation changes the voltage of electricity and switches it from one line to another.'],
  },
  {
    ask: ['What is a transformer?', 'What does a transformer do?', 'Explain transformers.'],
    answer: ['A transformer changes a high voltage into a low one, or a low voltage into a high one.'],
  },
  {
    ask: ['What is a battery?', 'What does a battery do?', 'How does a battery work?'],
    answer: ['A battery stores energy and gives it back as electricity.'],
  },
  {
    ask: ['What is a fuse?', 'What does a fuse do?', 'Why do we need fuses?', 'What is a circuit breaker?'],
    answer: ['A fuse cuts the current when it is too strong, so that the wires do not burn.'],
  },
  {
    ask: ['Where does electricity come from?', 'How is electricity made?', 'What is a power station?'],
    answer: ['Electricity is made in power stations, from water, wind, sun, coal, gas or atoms.'],
  },
  {
    ask: ['What is a wire made of?', 'Why is copper used for wires?', 'What is copper used for?'],
    answer: ['Most wires are made of copper, because electricity moves through copper very easily.'],
  },
  {
    ask: ['What is a ticket?', 'Do I need a ticket?', 'Where can I buy a ticket?'],
    answer: ['A ticket shows that you have paid for the ride. You can buy one at the station.'],
  },
  {
    ask: [
      'Why do you like trains?',
      'Do you like trains?',
      'What do you like?',
      'What is your favourite thing?',
    ],
    answer: [
      'I like trains because every one of them knows its track.',
      'I like trains very much. They are strong, calm and always on their way.',
    ],
  },
])
