// Trains switchyard-tiny from the corpus and writes its GGUF: `node models/tiny/train.ts --help`.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { step as batchesOf, vocabularyOf } from './batches.ts'
import { randomWeights, writeModel } from './gguf.ts'
import { type SharedMemory, sharedMemory } from './kernel.ts'
import { layout, type Plan } from './layout.ts'
import { type Batch, network, transpose } from './network.ts'
import { rateAt, type Schedule, update } from './optimizer.ts'
import { seeded } from './random.ts'
import { type Shape, weightCount } from './shape.ts'
import type { Start } from './shard.ts'
import { answer } from './speak.ts'
import { tokenizer } from './tokenizer.ts'

const usage = `Trains the small model that ships with Switchyard.

  --steps N       optimizer steps of about 2000 tokens (default 1500)
  --workers N     threads, 1 or 2; the result is the same (default 1)
  --seed N        of corpus, weights and batches (default 7)
  --out FILE      the GGUF (default models/tiny/switchyard-tiny.gguf)
  --save-every N  steps between checkpoints (default 200)
  --checkpoint F  state to resume from, removed at the end (default models/tiny/.checkpoint/state)
`
const { values: given } = parseArgs({
  options: {
    steps: { type: 'string', default: '1500' },
    workers: { type: 'string', default: '1' },
    seed: { type: 'string', default: '7' },
    out: { type: 'string', default: `${import.meta.dirname}/switchyard-tiny.gguf` },
    'save-every': { type: 'string', default: '200' },
    checkpoint: { type: 'string', default: `${import.meta.dirname}/.checkpoint/state` },
    help: { type: 'boolean', default: false },
  },
})
if (given.help) {
  process.stdout.write(usage)
  process.exit(0)
}

const shape: Shape = { dim: 160, layers: 5, heads: 5, feedForward: 416, vocab: 1536, context: 2048 }
// Two shards always, so that the sums, and thus the file, do not depend on the number of workers.
const plan: Plan = { shape, shards: 2, tokens: 1024, longest: 768 }
const seed = whole('seed')
const schedule: Schedule = { steps: whole('steps'), rate: 3e-3, warmup: 80, decay: 0.05 }
const saveEvery = whole('save-every')
/** Steps between samples: before the first the model only stammers. */
const listenEvery = 200
const asked = [
  'Hello!',
  'What is Switchyard?',
  'What is the capital of Norway?',
  'What is 7 + 5?',
  '你好',
  'Count to five.',
]

setPriority(10)
const places = layout(plan)
const memory = sharedMemory(places.size)
const floats = new Float32Array(memory.buffer)
const count = weightCount(shape)
const words = tokenizer(vocabularyOf(seed, shape.vocab))
const state = [places.weights, places.first, places.second].map(at => floats.subarray(at, at + count))

let at = resume()
transpose(memory, plan, places)
const workers = start(whole('workers'))
// It works in the first shard's memory, which rests between two steps.
const watcher = network(memory, plan, places, 0)
const print = (line: string) => process.stdout.write(`${line}\n`)
print(`${count} weights, steps ${at} to ${schedule.steps}, ${workers.length} worker(s)`)

let smooth = 0
let tokens = 0
const began = performance.now()
const from = at
for (; at < schedule.steps; at++) {
  const batches = batchesOf(seed, at, words, plan)
  const losses = await Promise.all(workers.map(worker => worker.gradients(batches)))
  const loss = losses.reduce((sum, part) => sum + part, 0)
  const length = update(memory, shape, places, schedule, at)
  transpose(memory, plan, places)
  smooth = at === from ? loss : smooth * 0.95 + loss * 0.05
  tokens += batches.reduce((sum, batch) => sum + batch.tokens.length, 0)
  if (at % 20 === 19) progress(loss, length)
  if (at % saveEvery === saveEvery - 1) {
    save(at + 1)
    print(`saved step ${at + 1}`)
  }
  if (at % listenEvery === listenEvery - 1) listen()
}
await Promise.all(workers.map(worker => worker.stop()))

const gguf = writeModel({
  name: 'switchyard-tiny',
  license: 'mit',
  shape,
  vocabulary: words.vocabulary,
  weights: state[0]?.slice() ?? new Float32Array(),
})
writeFileSync(given.out, gguf)
rmSync(given.checkpoint, { force: true })
print(`loss ${smooth.toFixed(4)}; ${gguf.length} bytes in ${given.out}`)

/** Prints what the model answers now. */
function listen(): void {
  for (const ask of asked) print(`  ${ask} -> ${answer(watcher, words, ask)}`)
}

function whole(option: 'steps' | 'seed' | 'workers' | 'save-every'): number {
  const value = Number(given[option])
  if (!Number.isSafeInteger(value) || value < 0)
    throw new TypeError(`--${option} must be a whole number, not ${given[option]}`)
  return value
}

/** Threads that each compute some of the shards. */
function start(wanted: number) {
  if (wanted !== 1 && wanted !== 2) throw new TypeError(`--workers must be 1 or 2, not ${wanted}`)
  return Array.from({ length: wanted }, (_, first) => {
    const shards = Array.from({ length: plan.shards }, (_, shard) => shard).filter(
      shard => shard % wanted === first,
    )
    const workerData: Start = { memory: memory satisfies SharedMemory, plan, shards }
    const worker = new Worker(new URL('./shard.ts', import.meta.url), { workerData })
    return {
      gradients: (batches: readonly Batch[]) =>
        new Promise<number>((resolve, reject) => {
          worker.removeAllListeners('message').removeAllListeners('error')
          worker.once('message', resolve).once('error', reject)
          worker.postMessage(shards.map(shard => batches[shard]))
        }),
      stop: () => worker.terminate(),
    }
  })
}

function progress(loss: number, length: number): void {
  const seconds = (performance.now() - began) / 1000
  const left = (seconds / (at + 1 - from)) * (schedule.steps - at - 1)
  print(
    `step ${at + 1}/${schedule.steps}  loss ${loss.toFixed(3)}  smooth ${smooth.toFixed(3)}  gradient ${length.toFixed(2)}  ` +
      `rate ${rateAt(at, schedule).toExponential(1)}  ${Math.round(tokens / seconds)} tokens/s  ` +
      `${Math.floor(left / 60)}m${String(Math.round(left % 60)).padStart(2, '0')}s left`,
  )
}

/** The step to begin with: that of the checkpoint, else 0 with fresh weights. */
function resume(): number {
  const [weights] = state
  if (!existsSync(given.checkpoint)) {
    weights?.set(randomWeights(seeded(seed), shape))
    return 0
  }
  const saved = readFileSync(given.checkpoint)
  const [step = 0, ...rest] = [0, 4, 8].map(offset => saved.readUInt32LE(offset))
  if (saved.length !== 12 + 12 * count || String(rest) !== String([seed, schedule.steps]))
    throw new Error(
      `${given.checkpoint} is of another seed, shape or --steps; delete it to train from the start`,
    )
  state.forEach((part, index) => {
    const bytes = saved.subarray(12 + index * 4 * count, 12 + (index + 1) * 4 * count)
    part.set(new Float32Array(Uint8Array.from(bytes).buffer))
  })
  return step
}

function save(step: number): void {
  mkdirSync(dirname(given.checkpoint), { recursive: true })
  const head = Buffer.from(Uint32Array.of(step, seed, schedule.steps).buffer)
  const parts = state.map(part => Buffer.from(part.slice().buffer))
  writeFileSync(`${given.checkpoint}.new`, Buffer.concat([head, ...parts]))
  renameSync(`${given.checkpoint}.new`, given.checkpoint)
}
