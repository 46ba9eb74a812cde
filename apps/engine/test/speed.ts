// Speed of the engine over the bundled model: `node apps/engine/test/speed.ts [FILE.gguf]`.
// Callers ask in a closed loop for three seconds; the numbers are of this machine at this moment.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Child, endless, start, until } from './child.ts'

const file = process.argv[2] ?? 'models/tiny/switchyard-tiny.gguf'
const seconds = 3

async function callers(engine: Child, count: number) {
  const firsts: number[] = []
  let tokens = 0
  const began = performance.now()
  const end = began + seconds * 1000
  await Promise.all(
    Array.from({ length: count }, async (_, caller) => {
      for (let turn = 0; performance.now() < end; turn++) {
        const asked = performance.now()
        const stream = await engine.client.chat.completions.create({
          model: 'tiny',
          messages: [{ role: 'user', content: `What is Switchyard? (${caller}.${turn})` }],
          stream: true,
          stream_options: { include_usage: true },
          max_tokens: 128,
        })
        let first = true
        for await (const chunk of stream) {
          if (first) firsts.push(performance.now() - asked)
          first = false
          tokens += chunk.usage?.completion_tokens ?? 0
        }
      }
    }),
  )
  const median = firsts.toSorted((a, b) => a - b)[Math.floor(firsts.length / 2)]
  const rate = tokens / ((performance.now() - began) / 1000)
  return `${count} at once: ${rate.toFixed(0)} tokens/s, first token ${median?.toFixed(1)} ms (median of ${firsts.length} chats)`
}

async function abortMs(engine: Child): Promise<number> {
  const control = new AbortController()
  const body = { messages: [{ role: 'user', content: 'Hello' }], grammar: endless, stream: true }
  const response = await engine.post('/v1/chat/completions', body, control.signal)
  await response.body?.getReader().read()
  const left = performance.now()
  control.abort()
  await until(async () => (await engine.metric('requests_processing')) === 0)
  return performance.now() - left
}

function cpuSeconds(engine: Child): number {
  const fields = readFileSync(`/proc/${engine.process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const launched = performance.now()
await using engine = await start(
  `--model ${file} --alias tiny --ctx-size 8192 --parallel 4 --metrics --grammars`.split(' '),
)
console.log(`ready after ${(performance.now() - launched).toFixed(0)} ms from start`)
await callers(engine, 1)
for (const count of [1, 4]) {
  const decodes = await engine.metric('n_decode_total')
  const tokens = await engine.metric('tokens_predicted_total')
  const line = await callers(engine, count)
  const perDecode =
    ((await engine.metric('tokens_predicted_total')) - tokens) /
    ((await engine.metric('n_decode_total')) - decodes)
  console.log(`${line}, ${perDecode.toFixed(2)} tokens per decode`)
}
const aborts: number[] = []
for (let n = 0; n < 20; n++) aborts.push(await abortMs(engine))
console.log(
  `slot free after an abort: median ${aborts.toSorted((a, b) => a - b)[10]?.toFixed(1)} ms, worst ${Math.max(...aborts).toFixed(1)} ms`,
)
const before = cpuSeconds(engine)
await delay(5000)
console.log(`idle: ${(((cpuSeconds(engine) - before) / 5) * 100).toFixed(1)} % of a core`)
console.log(
  `memory: ${/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${engine.process.pid}/status`, 'utf8'))?.[1]} kB`,
)
