// AdamW over the shared weights, with a clipped gradient and a warm-up and cosine schedule.
import type { SharedMemory } from './kernel.ts'
import type { Layout } from './layout.ts'
import { type Shape, slots, weightCount } from './shape.ts'

export interface Schedule {
  readonly steps: number
  /** Highest learning rate, reached after `warmup` steps. */
  readonly rate: number
  readonly warmup: number
  /** Share of a matrix that decays per step, times the rate. */
  readonly decay: number
}

const beta1 = 0.9
const beta2 = 0.98
const tiny = 1e-8
/** Gradients longer than this are shortened to it. */
const longest = 1

export function rateAt(step: number, { steps, rate, warmup }: Schedule): number {
  if (step < warmup) return (rate * (step + 1)) / warmup
  const done = (step - warmup) / Math.max(1, steps - warmup)
  return rate * (0.02 + 0.98 * 0.5 * (1 + Math.cos(Math.PI * done)))
}

/** Applies the sum of all shards' gradients once; `step` counts from 0. Returns the gradient's length. */
export function update(
  memory: SharedMemory,
  shape: Shape,
  places: Layout,
  schedule: Schedule,
  step: number,
): number {
  const floats = new Float32Array(memory.buffer)
  const [sum = 0, ...others] = places.gradients
  const count = weightCount(shape)
  let square = 0
  for (let i = 0; i < count; i++) {
    let total = floats[sum + i]!
    for (const other of others) total += floats[other + i]!
    floats[sum + i] = total
    square += total * total
  }
  const length = Math.sqrt(square)
  const shorten = length > longest ? longest / length : 1
  const rate = rateAt(step, schedule)
  const scale1 = 1 / (1 - beta1 ** (step + 1))
  const scale2 = 1 / (1 - beta2 ** (step + 1))
  for (const { rows, columns, offset } of slots(shape)) {
    const keep = rows === 1 ? 1 : 1 - rate * schedule.decay
    for (let i = offset; i < offset + rows * columns; i++) {
      const gradient = floats[sum + i]! * shorten
      const first = beta1 * floats[places.first + i]! + (1 - beta1) * gradient
      const second = beta2 * floats[places.second + i]! + (1 - beta2) * gradient * gradient
      floats[places.first + i] = first
      floats[places.second + i] = second
      const move = (first * scale1) / (Math.sqrt(second * scale2) + tiny)
      floats[places.weights + i] = floats[places.weights + i]! * keep - rate * move
    }
  }
  return length
}
