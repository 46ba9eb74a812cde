// The thread of semantic.ts: holds the vectors and answers each question, in the order in which they come.
import { parentPort, workerData } from 'node:worker_threads'
import { FlatIndex, type FlatOptions, type Near } from './flat.ts'

/** `answer` is owed for each, so that the sender knows how much waits. */
export type SemanticQuestion =
  | { readonly type: 'add'; readonly partition: string; readonly key: string; readonly vector: Float32Array }
  | {
      readonly type: 'search'
      readonly partition: string
      readonly vector: Float32Array
      readonly similarity: number
    }
  | { readonly type: 'remove'; readonly key: string }

export interface SemanticAnswer {
  readonly near: Near | undefined
  readonly entries: number
}

// Given by semantic.ts alone.
const index = new FlatIndex(workerData as FlatOptions)

function answer(question: SemanticQuestion): Near | undefined {
  switch (question.type) {
    case 'add':
      index.add(question.partition, question.key, question.vector)
      return undefined
    case 'remove':
      index.remove(question.key)
      return undefined
    case 'search':
      return index.search(question.partition, question.vector, question.similarity)
  }
}

parentPort?.on('message', (question: SemanticQuestion) => {
  const said: SemanticAnswer = { near: answer(question), entries: index.size }
  parentPort?.postMessage(said)
})
