// The thread of thread.ts: runs patterns and schemas one at a time, and writes down when each began.
import { parentPort, workerData } from 'node:worker_threads'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { schemaOptions } from './schema.ts'
import type { CheckAnswer, CheckJob } from './thread.ts'

const kept = 1000
const patterns = new Map<string, RegExp>()
const schemas = new Map<string, ValidateFunction>()

// Given by thread.ts alone.
const began = new BigInt64Array(workerData as SharedArrayBuffer)
const begin = () => Atomics.store(began, 0, process.hrtime.bigint())

function remember<T>(known: Map<string, T>, key: string, value: T): T {
  if (known.size >= kept) known.clear()
  known.set(key, value)
  return value
}

function find(sources: readonly string[], text: string): CheckAnswer {
  const ranges: number[] = []
  for (const source of sources) {
    begin()
    const pattern = patterns.get(source) ?? remember(patterns, source, new RegExp(source, 'giu'))
    pattern.lastIndex = 0
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      const end = pattern.lastIndex
      if (end === match.index) pattern.lastIndex++
      else ranges.push(match.index, end)
    }
  }
  return { type: 'found', ranges: Uint32Array.from(ranges) }
}

async function fits(schema: string, text: string): Promise<CheckAnswer> {
  let validate = schemas.get(schema)
  if (!validate) {
    const { Ajv2020 } = await import('ajv/dist/2020.js')
    validate = remember(schemas, schema, new Ajv2020(schemaOptions).compile(JSON.parse(schema)))
  }
  begin()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { type: 'fits', fits: false }
  }
  return { type: 'fits', fits: validate(value) }
}

async function answer(job: CheckJob): Promise<void> {
  let said: CheckAnswer
  try {
    said = job.type === 'find' ? find(job.patterns, job.text) : await fits(job.schema, job.text)
  } catch {
    // A pattern that the engine gives up: the rule's onFailure decides, which thread.ts asks.
    said = { type: 'failed' }
  }
  Atomics.store(began, 0, 0n)
  parentPort?.postMessage(said, said.type === 'found' ? [said.ranges.buffer] : [])
}

parentPort?.on('message', (job: CheckJob) => void answer(job))
parentPort?.postMessage({ type: 'ready' } satisfies CheckAnswer)
