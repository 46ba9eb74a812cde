// What every caller is sent of what every upstream sends, whatever the chunks, and where it is cut.

import {
  type Conversation,
  carry,
  carryConverted,
  type Delta,
  openaiEngineRow,
  readRequest,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import {
  carriageOf,
  decode,
  drain,
  options,
  pairs,
  ports,
  speeches,
  streamed,
  upstreamEvents,
} from './carriages.ts'
import { answers, cut, meaning } from './generate.ts'

const fault = new Fault('unavailable', 'The model stopped: ask again.', {
  reason: 'upstream_error',
  status: 502,
})
const legal = answers({ stops: ['end', 'length'] })
const cuts = fc.array(fc.nat(), { maxLength: 8 })

function spoken(deltas: readonly Delta[]) {
  const { choices, ended, usage } = meaning(deltas)
  return {
    ended,
    usage,
    stop: choices[0]?.stop,
    said:
      choices[0]?.said.map(({ kind, name, text }) => ({ kind, ...(name !== undefined && { name }), text })) ??
      [],
  }
}

const markers: ReadonlyMap<string, string> = new Map([
  ['openai', '[DONE]'],
  ['anthropic', 'message_stop'],
])

describe.each(pairs)('a stream of $upstream for a caller of $name', ({ caller, name, to, upstream }) => {
  test('S2: says the same whatever the chunks, and its end is kept apart', () => {
    fc.assert(
      fc.property(legal, cuts, (deltas, places) => {
        const events = upstreamEvents(upstream, deltas)
        const whole = Buffer.concat(events)
        const { tap, out } = drain(carriageOf(name, to), cut(whole, places))
        const { tap: atOnce, out: outAtOnce } = drain(carriageOf(name, to), [whole])
        expect(tap.error).toBeUndefined()
        expect(tap.terminal).toBeDefined()
        const heard = decode(caller.dialect, Buffer.concat([out, tap.terminal ?? Buffer.alloc(0)]))
        const heardAtOnce = decode(
          caller.dialect,
          Buffer.concat([outAtOnce, atOnce.terminal ?? Buffer.alloc(0)]),
        )
        expect(spoken(heard)).toEqual(spoken(heardAtOnce))
        expect(spoken(heard).ended).toBe('end')
        // In two dialects a reason is an end too, where the marker is missing.
        const marker = markers.get(caller.dialect)
        if (marker !== undefined) expect(out.includes(marker)).toBe(false)
        else expect(decode(caller.dialect, out).at(-1)?.type).toBe('fault')
        expect(spoken(heard).said).toEqual(
          spoken(decode(upstream, whole)).said.filter(({ text, kind }) => kind === 'tool' || text !== ''),
        )
        expect(tap.usage).toEqual(atOnce.usage)
        expect(tap.deltas).toBe(atOnce.deltas)
      }),
      { numRuns: 40 },
    )
  })

  test('cut after any event is an error in the dialect, and never an end', () => {
    fc.assert(
      fc.property(legal, fc.nat(), (deltas, at) => {
        const events = upstreamEvents(upstream, deltas)
        const sent = events.slice(0, at % (events.length + 1))
        const complete = decode(upstream, Buffer.concat(sent)).at(-1)?.type === 'end'
        const { tap, out } = drain(carriageOf(name, to), sent)
        expect(tap.terminal !== undefined).toBe(complete)
        expect(tap.error).toBeUndefined()
        if (complete) return
        const heard = decode(caller.dialect, Buffer.concat([out, tap.fail(fault)]))
        expect(heard.filter(({ type }) => type === 'end')).toEqual([])
        expect(heard.find(({ type }) => type === 'fault')).toMatchObject({ message: fault.message })
      }),
      { numRuns: 40 },
    )
  })

  test('that begins with an error has sent nothing, and tells the status', () => {
    const bytes = Buffer.from(errors[upstream])
    const { tap, out } = drain(carriageOf(name, to), [bytes])
    expect(out.length).toBe(0)
    expect(tap.begun).toBe(false)
    expect(tap.terminal).toBeUndefined()
    expect(tap.error?.status).toBe(429)
  })

  test.each(['{"a":', '{"choices":[],"message":{}} x', '[1]'])(
    'withholds %s, and ends at three in a row',
    json => {
      const deltas = words('a', 'b')
      const events = upstreamEvents(upstream, deltas)
      const bad = Buffer.from(upstream === 'ollama' ? `${json}\n` : `data: ${json}\n\n`)
      const { tap } = drain(carriageOf(name, to), [...events.slice(0, -1), bad, ...events.slice(-1)])
      expect(tap).toMatchObject({ malformed: 1, error: undefined })
      expect(tap.terminal).toBeDefined()
      const { tap: spoilt } = drain(carriageOf(name, to), [events[0] ?? bad, bad, bad, bad, ...events])
      expect(spoilt).toMatchObject({ malformed: 3, error: { status: 502 }, terminal: undefined })
    },
  )
})

test.each(speeches)(
  'S2: a stream of $dialect says the same cut at each byte, with any ends of lines',
  ({ dialect }) => {
    const plain = Buffer.concat(upstreamEvents(dialect, words('é漢', '😀 "\\ud83d\n', ''))).toString()
    const expected = spoken(decode(dialect, Buffer.from(plain)))
    expect(expected).toMatchObject({ ended: 'end', said: [{ text: 'é漢😀 "\\ud83d\n' }] })
    for (const end of dialect === 'ollama' ? ['\n', '\r\n'] : ['\n', '\r', '\r\n']) {
      const bytes = Buffer.from(plain.replaceAll('\n', end))
      for (let at = 1; at < bytes.length; at++) {
        const decoder = ports[dialect].decoder()
        const heard = [bytes.subarray(0, at), bytes.subarray(at)].flatMap(chunk =>
          decoder.push(Buffer.from(chunk)),
        )
        expect(spoken([...heard, ...decoder.finish()]), `${JSON.stringify(end)} at ${at}`).toEqual(expected)
      }
    }
  },
)

/** What no upstream should send. */
const hostile = fc.oneof(
  fc.json().map(json => `data: ${json}\n\n${json}\n`),
  fc.string().map(text => `data: ${text}\n\n`),
  fc.constantFrom(
    'data: {"type":"message_delta","delta":{"stop_reason":5},"usage":[]}\n\n',
    'data: {"candidates":{"0":1},"usageMetadata":[]}\n\n',
    'data: {"choices":[{"delta":{"tool_calls":[{"index":-1}]}}],"usage":7}\n\n',
    'data: {"type":"response.output_item.done","item":[],"sequence_number":1e999}\n\n',
    '{"message":[],"done":"yes","error":null}\n',
    'event: x\r\ndata\r\n\r\n\ufeff:\n\n',
  ),
)

test.each(pairs)('nonsense of $upstream is no end and no crash for a caller of $name', ({ name, to }) => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 5 }), cuts, (texts, places) => {
      const { tap } = drain(carriageOf(name, to), cut(Buffer.from(texts.join('')), places))
      expect(tap.terminal).toBeUndefined()
      expect(tap.fail(fault).length).toBeGreaterThan(0)
    }),
    { numRuns: 50 },
  )
})

const errors = {
  openai: 'data: {"error":{"message":"slow down","type":"rate_limit_error","code":429}}\n\n',
  responses:
    'event: error\ndata: {"type":"error","sequence_number":0,"code":"rate_limit_exceeded","message":"slow down"}\n\n',
  anthropic:
    'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}\n\n',
  gemini: 'data: {"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}\n\n',
  ollama: '{"error":"slow down","status":429}\n',
} as const

function words(...texts: readonly string[]): readonly Delta[] {
  return [
    { choice: 0, type: 'start', id: 'c1', created: 1, model: 'up' },
    { choice: 0, type: 'open', block: 0, kind: 'text' },
    ...texts.map((text): Delta => ({ choice: 0, type: 'text', block: 0, text })),
    { choice: 0, type: 'close', block: 0 },
    { choice: 0, type: 'finish', stop: 'end' },
    {
      choice: 0,
      type: 'usage',
      usage: {
        quantities: { 'tok.in.uncached': 5n, 'tok.out.text': 2n },
        source: 'provider',
        flags: [],
      },
    },
    { choice: 0, type: 'end' },
  ]
}

const same = pairs.filter(
  ({ caller, upstream, name }) => caller.dialect === upstream && name !== 'geminiArray',
)

describe.each(same)('a stream within one dialect, for a caller of $name', ({ name, to, upstream }) => {
  const events = upstreamEvents(upstream, words('a', 'b'))
  const renamed = (bytes: Buffer) => bytes.toString().replaceAll('"up"', '"public"')

  test('passes byte for byte but for the model name', () => {
    fc.assert(
      fc.property(cuts, places => {
        const { tap, out } = drain(carriageOf(name, to), cut(Buffer.concat(events), places))
        const whole = out.toString() + (tap.terminal?.toString() ?? '')
        expect(whole).toBe(renamed(Buffer.concat(events)))
        expect(tap.usage?.quantities).toEqual({ 'tok.in.uncached': 5n, 'tok.out.text': 2n })
        expect(tap.deltas).toBe(2)
      }),
    )
  })

  test('each event leaves as it comes: none waits for another but the last', () => {
    const tap = carriageOf(name, to).tap()
    const left = events.slice(0, -1).map(event => {
      tap.push(event)
      return tap.out?.toString() ?? ''
    })
    expect(left).toEqual(events.slice(0, -1).map(renamed))
  })

  test('keeps the name of the upstream where it may be shown, and then passes the very bytes', () => {
    const tap = carriageOf(name, to, { shown: undefined }).tap()
    const [first = Buffer.alloc(0)] = events
    tap.push(first)
    expect(tap.out).toBe(first)
  })

  test('keeps comments, odd spacing, line ends and members that nobody knows', () => {
    const odd = events.map(event =>
      upstream === 'ollama'
        ? event.toString().replace('{', '{ "new" : [1e400,\t"\\ud800"] , ')
        : `: hi\r\n\r\n${event.toString().replace('data: {', 'data:{ "new" : [1e400,\t"\\ud800"] , ').replace('\n\n', '\r\n\r\n')}`,
    )
    if (upstream === 'openai') odd[odd.length - 1] = 'data: [DONE]\r\n\r\n'
    const { tap, out } = drain(carriageOf(name, to), [Buffer.from(odd.join(''))])
    expect(tap.malformed).toBe(0)
    expect(out.toString() + (tap.terminal?.toString() ?? '')).toBe(renamed(Buffer.from(odd.join(''))))
  })
})

test('a failed stream of Responses goes on with the next number, and is the response that was begun', () => {
  const to = speeches[1]
  if (!to) throw new Error('there are five')
  const events = upstreamEvents('responses', words('a'))
  const { tap } = drain(carriageOf('responses', to), events.slice(0, 5))
  const [, data = ''] = /^event: response\.failed\ndata: (.*)\n\n$/.exec(tap.fail(fault).toString()) ?? []
  expect(JSON.parse(data)).toMatchObject({
    type: 'response.failed',
    sequence_number: 5,
    response: { id: 'up1', model: 'public', status: 'failed', error: { code: 'server_error' } },
  })
})

test('an array of Gemini is one JSON value, whole or failed', () => {
  const to = speeches[3]
  if (!to) throw new Error('there are five')
  const events = upstreamEvents('gemini', words('a', 'b'))
  const { tap, out } = drain(carriageOf('geminiArray', to), events)
  expect(JSON.parse(out.toString() + (tap.terminal?.toString() ?? ''))).toHaveLength(events.length)
  const { tap: failed, out: half } = drain(carriageOf('geminiArray', to), events.slice(0, 1))
  expect(JSON.parse(half.toString() + failed.fail(fault).toString())).toMatchObject([
    { modelVersion: 'public' },
    { error: { code: 502 } },
  ])
  const untouched = carriageOf('geminiArray', to).tap()
  expect(JSON.parse(untouched.fail(fault).toString())).toHaveLength(1)
})

test('a chunk of Gemini that gives a reason but is not the last does not end the answer', () => {
  const to = speeches[3]
  if (!to) throw new Error('there are five')
  const events = upstreamEvents('gemini', words('a')).map(String)
  const stopped = [...events.slice(-1), ...events.slice(-1)].map(event => Buffer.from(event))
  const { tap, out } = drain(carriageOf('gemini', to), stopped)
  expect(out.toString()).toBe((events.at(-1) ?? '').replace('"up"', '"public"'))
  expect(tap.terminal?.toString()).toBe(out.toString())
})

test('Anthropic without message_stop is complete after its stop reason, with the marker written for it', () => {
  const to = speeches[2]
  if (!to) throw new Error('there are five')
  const { tap } = drain(carriageOf('anthropic', to), upstreamEvents('anthropic', words('a')).slice(0, -1))
  expect(tap.terminal?.toString()).toContain('message_stop')
})

test.each(pairs)(
  'C2: a tool that $upstream must call otherwise has its own name for a caller of $name',
  pair => {
    const { name: caller, to, caller: speaks } = pair
    const name = 'wetter/für morgen'
    const conversation: Conversation = {
      dialect: speaks.dialect,
      model: 'm',
      turns: [
        { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
        { role: 'assistant', parts: [{ type: 'toolCall', id: 'c0', name, args: '{}' }] },
        { role: 'tool', parts: [{ type: 'toolResult', callId: 'c0', parts: [], isError: false }] },
      ],
      tools: [{ name, schema: '{"type":"object"}' }],
      stop: [],
      sampling: {},
      stream: { on: true, usage: true },
      rest: {},
    }
    const carriage = carryConverted(caller, conversation, to, options)
    const { tools, turns } = ports[to.dialect].readAsk(joined(carriage.body), { model: 'up', stream: true })
    const called = turns.flatMap(({ parts }) =>
      parts.flatMap(part => (part.type === 'toolCall' ? [part.name] : [])),
    )
    // The history calls it as the tool is called.
    expect(called).toEqual(tools.map(tool => tool.name))
    const deltas: readonly Delta[] = [
      { choice: 0, type: 'start', id: 'c1', created: 1, model: 'up' },
      { choice: 0, type: 'open', block: 0, kind: 'tool', id: 'call_1', name: tools[0]?.name ?? '' },
      { choice: 0, type: 'args', block: 0, json: '{}' },
      { choice: 0, type: 'close', block: 0 },
      { choice: 0, type: 'finish', stop: 'tool' },
      { choice: 0, type: 'end' },
    ]
    const { tap, out } = drain(carriage, upstreamEvents(to.dialect, deltas))
    const heard = decode(speaks.dialect, Buffer.concat([out, tap.terminal ?? Buffer.alloc(0)]))
    expect(spoken(heard).said).toEqual([{ kind: 'tool', name, text: '{}' }])
    const reply = carriage.reply(
      ports[to.dialect].writeReply(deltas, { id: 'u', model: 'up', created: 1, usage: true }),
    )
    expect(spoken(ports[speaks.dialect].readReply(reply?.bytes ?? Buffer.alloc(0)) ?? []).said).toEqual([
      { kind: 'tool', name, text: '{}' },
    ])
  },
)

test('a filter between the dialects sees every delta, also within one dialect, and may keep some back', () => {
  for (const { name, to, upstream, caller } of pairs) {
    const kept: Delta[] = []
    const filter = () => ({
      push: (deltas: readonly Delta[]) =>
        deltas.flatMap(delta => {
          if (delta.type === 'text') {
            kept.push({ ...delta, text: delta.text.toUpperCase() })
            return []
          }
          return delta.type === 'close' ? [...kept.splice(0), delta] : [delta]
        }),
    })
    const { tap, out } = drain(carriageOf(name, to, { filter }), upstreamEvents(upstream, words('a', 'b')))
    const heard = decode(caller.dialect, Buffer.concat([out, tap.terminal ?? Buffer.alloc(0)]))
    expect(spoken(heard).said).toEqual([{ kind: 'text', text: 'AB' }])
  }
})

test('every caller is asked for by a row', () => {
  expect(Object.keys(streamed)).toEqual([...new Set(pairs.map(({ name }) => name))])
})

describe('a stream of two answers without its marker', () => {
  const chunk = (index: number, content: string, finish_reason: string | null) =>
    `data: ${JSON.stringify({ model: 'm', choices: [{ finish_reason, index, delta: { content } }] })}\n\n`
  const both = [chunk(0, 'a', null), chunk(1, 'b', null), chunk(0, '', 'stop'), chunk(1, '', 'stop')]

  test.each([
    ['both have finished', both, true],
    ['one has finished', both.slice(0, 3), false],
    ['one has finished twice', [...both.slice(0, 3), chunk(0, '', 'stop')], false],
    ['one has finished and the other never began', [chunk(0, 'a', null), chunk(0, '', 'stop')], false],
    ['the second is spoilt as it finishes', [...both.slice(0, 3), `${both[3]?.slice(0, -4)}\n\n`], false],
  ])('is judged by all of its answers: %s', (_, events, whole) => {
    const body = Buffer.from('{"model":"m","messages":[],"n":2,"stream":true}')
    const ask = readRequest('openai', 'chat.completions', body, {})
    const tap = carry(ask, { dialect: 'openai', row: openaiEngineRow }, options).tap()
    tap.push(Buffer.from(events.join('')))
    tap.finish()
    expect(tap.terminal !== undefined).toBe(whole)
  })
})
