import { units } from '@switchyard/dialects'
import { canonical, type Json, usageEvent } from '@switchyard/ledger'
import { type Admission, type Ended, usageUnits } from '@switchyard/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const admitted: Admission = {
  request: '019a0000-0000-7000-8000-000000000000',
  at: Date.parse('2026-11-20T08:00:00.007Z') + 0.4,
  workspace: 'default',
  project: null,
  key: 'AbCdEfGhIjKl',
  keyName: 'first',
  model: 'tiny',
  endpoint: 'tiny',
  operation: 'chat.completions',
  streamed: true,
}
const ended: Ended = {
  at: Date.parse('2026-11-20T08:00:01.999Z'),
  end: 'done',
  status: 200,
  attempt: 2,
  upstream: 'tiny-1-0',
  billable: 'caller',
  usage: { quantities: { 'tok.out.text': 96n, 'tok.in.uncached': 2n ** 60n }, source: 'engine', flags: [] },
}

describe('a usage event', () => {
  test('tells who, what, when and how much', () => {
    expect(usageEvent(admitted, ended)).toEqual({
      specversion: '1.0',
      type: 'switchyard.usage.v1',
      source: '/gateway',
      id: '019a0000-0000-7000-8000-000000000000:2:call',
      subject: 'default/-',
      time: '2026-11-20T08:00:00.007Z',
      data: {
        workspace: 'default',
        project: null,
        key: 'AbCdEfGhIjKl',
        keyName: 'first',
        model: 'tiny',
        endpoint: 'tiny',
        upstream: 'tiny-1-0',
        request: '019a0000-0000-7000-8000-000000000000',
        operation: 'chat.completions',
        billable: 'caller',
        streamed: true,
        end: 'done',
        status: 200,
        endedAt: '2026-11-20T08:00:01.999Z',
        usageSource: 'engine',
        quantities: { 'tok.in.uncached': '1152921504606846976', 'tok.out.text': '96' },
        flags: [],
      },
    })
  })

  test('names what answered, where, and how the request was taken', () => {
    const by = { model: 'gpt-5-2026-01-01', provider: 'platform/east', region: 'eu-west-1' }
    const usage = {
      quantities: { 'tok.out.text': 1n },
      source: 'provider',
      flags: [],
      tier: 'priority',
    } as const
    const { data, id } = usageEvent(admitted, { ...ended, by, usage, part: 'spare', billable: 'cost' })
    expect(id).toBe(`${admitted.request}:2:spare`)
    expect(data).toMatchObject({
      endpoint: '',
      upstream: 'tiny-1-0',
      upstreamModel: 'gpt-5-2026-01-01',
      provider: 'platform/east',
      region: 'eu-west-1',
      tier: 'priority',
    })
    const own = usageEvent(
      { ...admitted, endpoint: '' },
      { ...ended, by: { model: 'tiny', endpoint: 'tiny' } },
    )
    expect(own.data).toMatchObject({ endpoint: 'tiny', upstreamModel: 'tiny' })
    expect(own.data.tier).toBeUndefined()
  })

  test('says of a call when what happened, and of its other parts nothing', () => {
    const first = { upstream: 'east', outcome: 'status', status: 503, startMs: 0, endMs: 80 } as const
    const second = { ...first, upstream: 'west', outcome: 'answered', startMs: 90, contentMs: 300 } as const
    const times = { firstTokenMs: 301, attempts: [first, second] }
    const { data } = usageEvent(admitted, { ...ended, times })
    expect(data).toMatchObject(times)
    expect(usageEvent(admitted, { ...ended, times, part: 'rest' }).data.attempts).toBeUndefined()
    const whole = usageEvent(admitted, { ...ended, times: { attempts: [] } }).data
    expect(whole.attempts).toEqual([])
    expect(whole.firstTokenMs).toBeUndefined()
  })

  test('is canonical JSON as it stands, whatever it holds', () => {
    const name = fc.string({ unit: 'binary' }).filter(text => text.isWellFormed())
    const quantities = fc.dictionary(fc.constantFrom(...units), fc.bigInt({ min: 0n, max: 2n ** 80n }))
    fc.assert(
      fc.property(name, name, fc.option(name), quantities, (model, keyName, project, quantities) => {
        const usage = { quantities, source: 'counted', flags: ['usage_missing'] } as const
        const attempts = [
          { upstream: model, outcome: 'answered', status: 200, startMs: 1, contentMs: 2, endMs: 3 } as const,
        ]
        const times = { firstTokenMs: 2, attempts }
        const event = usageEvent({ ...admitted, model, keyName, project }, { ...ended, times, usage })
        expect(JSON.stringify(event)).toBe(canonical(JSON.parse(JSON.stringify(event)) as Json)) // what was just made of JSON
      }),
    )
  })

  test('knows the units of the store, all of them', () => {
    expect([...units]).toEqual(usageUnits.toSorted())
  })
})

describe('canonical JSON', () => {
  test.each([
    [{ b: 1, a: [true, null, 'é'] }, '{"a":[true,null,"é"],"b":1}'],
    [{ '€': 1, '\r': 2, '1': 3, '😀': 4, ö: 5 }, '{"\\r":2,"1":3,"ö":5,"€":1,"😀":4}'],
    [[1e21, 1e-7, -0, 333333333.3333333], '[1e+21,1e-7,0,333333333.3333333]'],
    [{ a: undefined, b: { c: undefined } }, '{"b":{}}'],
  ])('of %j is %s', (value, text) => {
    expect(canonical(value)).toBe(text)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800'])('has no %s', value => {
    expect(() => canonical(value)).toThrow(TypeError)
  })
})
