// The llama network in numbers: forward to logits, and the gradient of the loss for every weight.
import { attention, type Starts } from './attention.ts'
import { kernel, type SharedMemory } from './kernel.ts'
import { type Layout, type Matrix, type Plan, weightLayout, widest } from './layout.ts'
import { epsilon, weightCount } from './shape.ts'

/** Tokens of several sequences, one after the other. */
export interface Batch {
  readonly tokens: Int32Array
  /** The token that should follow each. */
  readonly targets: Int32Array
  /** How much each target counts in the loss; the weights of a step sum to 1. */
  readonly emphasis: Float32Array
  readonly starts: Starts
}

export interface Network {
  /** Computes the logits of each token; `logits(row)` reads them. */
  forward(batch: Batch): void
  logits(row: number): Float32Array
  /** After forward: the loss in nats; the shard's gradient is overwritten. */
  backward(batch: Batch): number
}

/** A network over the shared weights, with the activations and the gradient of one shard. */
export function network(memory: SharedMemory, plan: Plan, places: Layout, shard: number): Network {
  const { shape } = plan
  const { dim, feedForward, vocab } = shape
  const act = places.shards[shard]
  const gradient = places.gradients[shard]
  if (!act || gradient === undefined) throw new TypeError(`there is no shard ${shard}`)
  const core = kernel(memory, act.scratch, widest(shape))
  const { floats, multiply } = core
  const attend = attention(shape, core, plan.longest, act)
  const { embedding, layers, outputNorm } = weightLayout(shape)

  /** out (+)= in · Wᵀ, for `n` tokens, by the transposed copy. */
  const apply = (matrix: Matrix, input: number, out: number, n: number, add: boolean) => {
    const { rows, columns, offset } = matrix
    const turned = { offset: places.transposed + offset, rowStride: rows }
    multiply(
      { offset: input, rowStride: columns },
      turned,
      { offset: out, rowStride: rows },
      n,
      rows,
      columns,
      add,
    )
  }
  /** From the gradient of the output: that of the input, and of the matrix. */
  const unapply = (matrix: Matrix, input: number, dOut: number, dInput: number, n: number) => {
    const { rows, columns, offset } = matrix
    const straight = { offset: places.weights + offset, rowStride: columns }
    multiply(
      { offset: dOut, rowStride: rows },
      straight,
      { offset: dInput, rowStride: columns },
      n,
      columns,
      rows,
      false,
    )
    const upright = { offset: dOut, rowStride: 1, columnStride: rows }
    const target = { offset: gradient + offset, rowStride: columns }
    multiply(upright, { offset: input, rowStride: columns }, target, rows, columns, n, true)
  }

  const normalize = (input: number, weight: number, out: number, inverse: number, n: number) => {
    for (let row = 0; row < n; row++) {
      const at = input + row * dim
      let sum = 0
      for (let i = 0; i < dim; i++) sum += floats[at + i]! * floats[at + i]!
      const factor = 1 / Math.sqrt(sum / dim + epsilon)
      floats[inverse + row] = factor
      for (let i = 0; i < dim; i++)
        floats[out + row * dim + i] = floats[at + i]! * factor * floats[places.weights + weight + i]!
    }
  }
  /** Adds to dInput. */
  const unnormalize = (
    input: number,
    weight: number,
    inverse: number,
    dOut: number,
    dInput: number,
    n: number,
  ) => {
    for (let row = 0; row < n; row++) {
      const x = input + row * dim
      const d = dOut + row * dim
      const factor = floats[inverse + row]!
      let sum = 0
      for (let i = 0; i < dim; i++) {
        const pull = floats[d + i]! * floats[x + i]!
        sum += pull * floats[places.weights + weight + i]!
        floats[gradient + weight + i] = floats[gradient + weight + i]! + pull * factor
      }
      const shrink = (sum * factor * factor * factor) / dim
      for (let i = 0; i < dim; i++) {
        const at = dInput + row * dim + i
        floats[at] =
          floats[at]! +
          factor * floats[d + i]! * floats[places.weights + weight + i]! -
          floats[x + i]! * shrink
      }
    }
  }

  /** active = silu(gate) * up. */
  const activate = (gateUp: number, active: number, n: number) => {
    for (let row = 0; row < n; row++)
      for (let i = 0; i < feedForward; i++) {
        const at = gateUp + row * 2 * feedForward + i
        const gate = floats[at]!
        floats[active + row * feedForward + i] = (gate / (1 + Math.exp(-gate))) * floats[at + feedForward]!
      }
  }
  const unactivate = (gateUp: number, n: number) => {
    for (let row = 0; row < n; row++)
      for (let i = 0; i < feedForward; i++) {
        const at = row * 2 * feedForward + i
        const gate = floats[gateUp + at]!
        const up = floats[gateUp + at + feedForward]!
        const open = 1 / (1 + Math.exp(-gate))
        const d = floats[act.dActive + row * feedForward + i]!
        floats[act.dGateUp + at] = d * up * open * (1 + gate * (1 - open))
        floats[act.dGateUp + at + feedForward] = d * gate * open
      }
  }

  /** Turns logits into the loss's gradient, in place. */
  const score = ({ targets, emphasis }: Batch, n: number) => {
    let loss = 0
    for (let row = 0; row < n; row++) {
      const at = act.logits + row * vocab
      const share = emphasis[row]!
      if (share === 0) {
        floats.fill(0, at, at + vocab)
        continue
      }
      let most = Number.NEGATIVE_INFINITY
      for (let i = 0; i < vocab; i++) if (floats[at + i]! > most) most = floats[at + i]!
      const target = at + targets[row]!
      const wanted = floats[target]! - most
      let sum = 0
      for (let i = 0; i < vocab; i++) {
        const chance = Math.exp(floats[at + i]! - most)
        floats[at + i] = chance
        sum += chance
      }
      loss += share * (Math.log(sum) - wanted)
      const factor = share / sum
      for (let i = 0; i < vocab; i++) floats[at + i] = floats[at + i]! * factor
      floats[target] = floats[target]! - share
    }
    return loss
  }

  return {
    logits: row => floats.subarray(act.logits + row * vocab, act.logits + (row + 1) * vocab),

    forward({ tokens, starts }) {
      const n = tokens.length
      const [first = 0] = act.x
      for (let row = 0; row < n; row++) {
        const from = places.weights + embedding.offset + tokens[row]! * dim
        floats.copyWithin(first + row * dim, from, from + dim)
      }
      layers.forEach((layer, l) => {
        const next = act.x[l + 1]!
        normalize(act.x[l]!, layer.attentionNorm, act.normed1[l]!, act.inverse1[l]!, n)
        apply(layer.qkv, act.normed1[l]!, act.qkv[l]!, n, false)
        attend.rotate(act.qkv[l]!, starts, 1)
        attend.forward(act.qkv[l]!, act.chances[l]!, act.attended[l]!, starts)
        floats.copyWithin(act.middle[l]!, act.x[l]!, act.x[l]! + n * dim)
        apply(layer.output, act.attended[l]!, act.middle[l]!, n, true)
        normalize(act.middle[l]!, layer.feedForwardNorm, act.normed2[l]!, act.inverse2[l]!, n)
        apply(layer.gateUp, act.normed2[l]!, act.gateUp[l]!, n, false)
        activate(act.gateUp[l]!, act.active[l]!, n)
        floats.copyWithin(next, act.middle[l]!, act.middle[l]! + n * dim)
        apply(layer.down, act.active[l]!, next, n, true)
      })
      normalize(act.x.at(-1)!, outputNorm, act.normedLast, act.inverseLast, n)
      apply(embedding, act.normedLast, act.logits, n, false)
    },

    backward(batch) {
      const { tokens, starts } = batch
      const n = tokens.length
      floats.fill(0, gradient, gradient + weightCount(shape))
      const loss = score(batch, n)
      unapply(embedding, act.normedLast, act.logits, act.dNormed, n)
      floats.fill(0, act.dx, act.dx + n * dim)
      unnormalize(act.x.at(-1)!, outputNorm, act.inverseLast, act.dNormed, act.dx, n)
      for (let l = layers.length - 1; l >= 0; l--) {
        const layer = layers[l]!
        unapply(layer.down, act.active[l]!, act.dx, act.dActive, n)
        unactivate(act.gateUp[l]!, n)
        unapply(layer.gateUp, act.normed2[l]!, act.dGateUp, act.dNormed, n)
        unnormalize(act.middle[l]!, layer.feedForwardNorm, act.inverse2[l]!, act.dNormed, act.dx, n)
        unapply(layer.output, act.attended[l]!, act.dx, act.dAttended, n)
        attend.backward(act.qkv[l]!, act.chances[l]!, act.dAttended, act.dQkv, starts)
        attend.rotate(act.dQkv, starts, -1)
        unapply(layer.qkv, act.normed1[l]!, act.dQkv, act.dNormed, n)
        unnormalize(act.x[l]!, layer.attentionNorm, act.inverse1[l]!, act.dNormed, act.dx, n)
      }
      for (let row = 0; row < n; row++) {
        const target = gradient + embedding.offset + tokens[row]! * dim
        for (let i = 0; i < dim; i++)
          floats[target + i] = floats[target + i]! + floats[act.dx + row * dim + i]!
      }
      return loss
    },
  }
}

/** Refreshes the transposed copies after the weights changed. */
export function transpose(memory: SharedMemory, plan: Plan, places: Layout): void {
  const floats = new Float32Array(memory.buffer)
  const { embedding, layers } = weightLayout(plan.shape)
  for (const { offset, rows, columns } of [
    embedding,
    ...layers.flatMap(layer => [layer.qkv, layer.output, layer.gateUp, layer.down]),
  ])
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        floats[places.transposed + offset + j * rows + i] = floats[places.weights + offset + i * columns + j]!
}
