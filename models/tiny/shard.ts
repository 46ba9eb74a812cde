// A worker thread of training: computes the gradients of its shards, whenever it is sent their batches.
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { SharedMemory } from './kernel.ts'
import { layout, type Plan } from './layout.ts'
import { type Batch, network } from './network.ts'

export interface Start {
  readonly memory: SharedMemory
  readonly plan: Plan
  /** The shards that this worker computes. */
  readonly shards: readonly number[]
}

// The trainer is the only one that starts this file, and it gives a Start.
const { memory, plan, shards } = workerData as Start
const places = layout(plan)
const networks = shards.map(shard => network(memory, plan, places, shard))
// A thread has a priority of its own on Linux.
setPriority(10)

/** Answers each list of batches with the sum of their losses. */
parentPort?.on('message', (batches: readonly Batch[]) => {
  let loss = 0
  batches.forEach((batch, at) => {
    networks[at]?.forward(batch)
    loss += networks[at]?.backward(batch) ?? 0
  })
  parentPort?.postMessage(loss)
})
