// The arithmetic of training: the kernel against plain loops, the gradient against differences, the
// network against llama.cpp.
import { describe, expect, test } from 'vitest'
import { randomModel, randomWeights } from '../tiny/gguf.ts'
import { kernel, scratchSize, sharedMemory } from '../tiny/kernel.ts'
import { layout, type Plan } from '../tiny/layout.ts'
import { type Batch, network, transpose } from '../tiny/network.ts'
import { seeded } from '../tiny/random.ts'
import { type Shape, slots } from '../tiny/shape.ts'
import { continuation } from '../tiny/speak.ts'
import { openBytes } from './llama.ts'

/** A network with random weights. */
function fresh(shape: Shape, seed: number) {
  const plan: Plan = { shape, shards: 1, tokens: 64, longest: 64 }
  const places = layout(plan)
  const memory = sharedMemory(places.size)
  const floats = new Float32Array(memory.buffer)
  floats.set(randomWeights(seeded(seed), shape), places.weights)
  transpose(memory, plan, places)
  return {
    places,
    floats,
    net: network(memory, plan, places, 0),
    changed: () => transpose(memory, plan, places),
  }
}

describe('the kernel', () => {
  test.each([
    [7, 24, 13],
    [4, 8, 4],
    [33, 16, 1300],
    [1, 8, 1],
  ])('multiplies %i x %i over %i like plain loops, upright or turned', (rows, columns, inner) => {
    const random = seeded(5)
    const size = rows * inner
    const a = scratchSize(64)
    const b = a + size
    const c = b + inner * columns
    const { floats, multiply } = kernel(sharedMemory(c + rows * columns), 0, 64)
    for (let i = a; i < c; i++) floats[i] = random.normal()
    for (const turned of [false, true]) {
      const [rowStride, columnStride] = turned ? [1, rows] : [inner, 1]
      const target = { offset: c, rowStride: columns }
      const left = { offset: a, rowStride, columnStride }
      multiply(left, { offset: b, rowStride: columns }, target, rows, columns, inner, false)
      multiply(left, { offset: b, rowStride: columns }, target, rows, columns, inner, true)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          let sum = 0
          for (let k = 0; k < inner; k++)
            sum +=
              2 * (floats[a + i * rowStride + k * columnStride] ?? 0) * (floats[b + k * columns + j] ?? 0)
          expect(floats[c + i * columns + j]).toBeCloseTo(sum, 3)
        }
    }
  })
})

describe('the network', () => {
  test('has the gradient that small changes of each tensor show', () => {
    const shape: Shape = { dim: 32, layers: 2, heads: 2, feedForward: 64, vocab: 40, context: 64 }
    const { places, floats, net, changed } = fresh(shape, 3)
    const random = seeded(4)
    const draw = () => Int32Array.from({ length: 21 }, () => random.below(40))
    const emphasis = Float32Array.from({ length: 21 }, () => 1 / 21)
    const batch: Batch = { tokens: draw(), targets: draw(), emphasis, starts: [0, 9, 21] }
    const loss = () => {
      changed()
      net.forward(batch)
      return net.backward(batch)
    }
    loss()
    const [gradient = 0] = places.gradients
    for (const slot of slots(shape)) {
      const count = slot.rows * slot.columns
      loss()
      const along = floats.slice(gradient + slot.offset, gradient + slot.offset + count)
      const length = Math.hypot(...along)
      const base = floats.slice(places.weights + slot.offset, places.weights + slot.offset + count)
      const at = (step: number) => {
        floats.set(
          base.map((weight, i) => weight + (step * (along[i] ?? 0)) / length),
          places.weights + slot.offset,
        )
        return loss()
      }
      const step = 0.01 / Math.max(1, length)
      const slope = (at(step) - at(-step)) / (2 * step)
      at(0)
      expect(Math.abs(slope / length - 1), slot.name).toBeLessThan(0.02)
    }
  })

  test('continues a text with the same tokens as llama.cpp', async () => {
    const shape = { dim: 64, layers: 2, heads: 2, feedForward: 128, context: 2048 }
    for (const seed of [1, 2, 3]) {
      await using llama = await openBytes(randomModel(seed, { ...shape, storage: 'f32' }))
      const prompt = llama.tokenize('the yard in the rain')
      const { net } = fresh({ ...shape, vocab: 272 }, seed)
      const { said } = await llama.continuation(prompt, 24)
      expect(said).toEqual(continuation(net, prompt, 24))
    }
  })
})
