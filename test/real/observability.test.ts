// What the gateway tells, read by programs that others wrote: Prometheus' own parser, and OpenTelemetry's own schema.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { Sealed, systemClock } from '@switchyard/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTelemetry } from '../../apps/server/src/telemetry.ts'
import { Collector } from '../../apps/server/test/collector.ts'
import { Bed } from '../../packages/gateway/test/bed.ts'
import { ScriptedUpstream } from '../../packages/gateway/test/upstream.ts'
import { pythonWithObservers, suite } from './tools.ts'

const program = join(import.meta.dirname, 'observers.py')

suite(
  "Python's prometheus_client 0.26.0 and opentelemetry-proto 1.45.2",
  await pythonWithObservers(),
  python => {
    let engine: ScriptedUpstream
    let bed: Bed
    let collector: Collector

    beforeAll(async () => {
      engine = await ScriptedUpstream.start()
      collector = await Collector.start()
      bed = await Bed.start()
      bed.endpoint('tiny', [engine.address])
      const telemetry = startTelemetry({
        endpoint: collector.url,
        headers: new Sealed({}),
        resource: { 'service.name': 'switchyard' },
        version: '0.1.0',
        generation: 'both',
        ratio: 1,
        metricsEvery: 60_000,
        clock: systemClock,
        random: Math.random,
        bytes: size => crypto.getRandomValues(new Uint8Array(size)),
        observe: observation => expect.fail(JSON.stringify(observation)),
      })
      bed.follow = telemetry.follow
      bed.hear = observation => {
        if (observation.type === 'request_ended') telemetry.ended(observation)
      }
      const key = bed.key()
      for (const more of [{}, { stream: true }, { model: 'none' }]) await (await bed.chat(key, more)).text()
      await (await bed.chat('sk-wrong')).text()
      await telemetry[Symbol.asyncDispose]()
    })
    afterAll(async () => {
      await bed[Symbol.asyncDispose]()
      await collector[Symbol.asyncDispose]()
      await engine[Symbol.asyncDispose]()
    })

    test('the metrics are read by the parser of Prometheus, and nothing in them is lost', async () => {
      const read = JSON.parse(await run('prometheus', bed.gateway.metrics())) as Record<string, number> // what it prints
      expect(read.switchyard_gateway_requests).toBe(4)
      expect(read.families).toBeGreaterThan(20)
    })

    test('spans and metrics are what the protocol’s schema says, to the last member', async () => {
      const read = JSON.parse(await run('otlp', JSON.stringify(collector.bodies))) as Record<string, unknown> // what it prints
      expect(read).toMatchObject({
        spans: collector.spans.length,
        names: expect.arrayContaining(['chat tiny']) as unknown,
      })
      expect(read.points).toBeGreaterThan(4)
    })

    function run(what: string, input: string): Promise<string> {
      return new Promise((done, reject) => {
        const child = execFile(python, [program, what], (error, printed, complaint) => {
          if (error) reject(new Error(complaint || error.message))
          else done(printed)
        })
        child.stdin?.end(input)
      })
    }
  },
)
