// What is read of messages to servers of tools, and how tools are taken out of their lists.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CutEvents, cutTools, PlainEvents, readMcp } from '../src/index.ts'

const read = (text: string) => readMcp(Buffer.from(text))
const one = (text: string) => read(text).messages[0]

describe('a message', () => {
  test.each([
    ['{"jsonrpc":"2.0","id":7,"method":"tools/list"}', { id: '7', method: 'tools/list' }],
    ['{"method":"notifications/initialized"}', { id: undefined, method: 'notifications/initialized' }],
    ['{"id":1,"result":{"method":"tools/call","name":"x"}}', { id: undefined, method: undefined }],
    [
      ' {"params":{"arguments":{"name":"no"},"name":"a\\u0062"},"id":"x\\n","method":"tools\\/call"} ',
      { id: '"x\\n"', method: 'tools/call', tool: 'ab' },
    ],
    ['{"id":-1.5e3,"method":"ping","params":{"name":1,"Name":2}}', { id: '-1.5e3', method: 'ping' }],
  ])('%s is read by its bytes', (text, read) => {
    expect(one(text)).toMatchObject(read)
  })

  test.each([
    ['a second method', '{"method":"ping","method":"tools/call"}', 'duplicate_member'],
    ['an escaped method', '{"m\\u0065thod":"tools/call"}', 'duplicate_member'],
    ['a method of another case', '{"method":"ping","METHOD":"tools/call"}', 'duplicate_member'],
    ['a method of another case alone', '{"Method":"tools/call","params":{"name":"x"}}', 'duplicate_member'],
    ['params with a long s', '{"method":"ping","param\u017f":{}}', 'duplicate_member'],
    ['a second id', '{"id":1,"id":2,"method":"ping"}', 'duplicate_member'],
    [
      'second params',
      '{"id":1,"method":"tools/call","params":{"name":"a"},"params":{"name":"b"}}',
      'duplicate_member',
    ],
    ['a second tool', '{"id":1,"method":"tools/call","params":{"name":"a","name":"b"}}', 'duplicate_member'],
    [
      'an escaped tool',
      '{"id":1,"method":"tools/call","params":{"name":"a","n\\u0061me":"b"}}',
      'duplicate_member',
    ],
    [
      'a tool of another case',
      '{"id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}',
      'duplicate_member',
    ],
    [
      'half a character in a tool',
      '{"id":1,"method":"tools/call","params":{"name":"a\\ud800"}}',
      'invalid_value',
    ],
    ['no tool', '{"id":1,"method":"tools/call","params":{}}', 'invalid_value'],
    ['params by place', '{"id":1,"method":"tools/call","params":["a"]}', 'invalid_value'],
    ['no params', '{"id":1,"method":"tools/call"}', 'invalid_value'],
    ['a tool that is a number', '{"id":1,"method":"tools/call","params":{"name":1}}', 'invalid_value'],
    ['a method that is a number', '{"id":1,"method":1}', 'invalid_value'],
    ['an id that is nothing', '{"id":null,"method":"ping"}', 'invalid_value'],
    ['a text', '"tools/call"', 'invalid_value'],
    ['an empty batch', '[]', 'invalid_value'],
    ['a batch in a batch', '[[{"method":"ping"}]]', 'invalid_value'],
    ['too large a batch', `[${Array(101).fill('{"method":"ping"}').join()}]`, 'invalid_value'],
    ['half a message', '{"method":"ping"', 'invalid_json'],
    ['two messages', '{"method":"ping"}{"method":"ping"}', 'invalid_json'],
    ['nothing', '', 'invalid_json'],
    ['a byte order mark', '\ufeff{"method":"ping"}', 'invalid_json'],
    ['too deep a message', `{"method":"ping","params":${'['.repeat(200)}${']'.repeat(200)}}`, 'invalid_json'],
  ])('with %s is refused', (_, text, reason) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'invalid', reason }))
  })

  test('that is no UTF-8 is refused', () => {
    expect(() => readMcp(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(
      expect.objectContaining({ reason: 'invalid_json' }),
    )
  })

  test('stands in a batch with others', () => {
    const { batch, messages } = read(
      '[{"id":1,"method":"ping"},{"id":2,"method":"tools/call","params":{"name":"a"}}]',
    )
    expect(batch).toBe(true)
    expect(messages.map(({ id, tool }) => [id, tool])).toEqual([
      ['1', undefined],
      ['2', 'a'],
    ])
  })

  test('is read as JSON.parse reads it, or refused', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), fc.oneof(fc.string(), fc.integer()), (rest, name, id) => {
        const text = `{"arguments":${rest},"id":${JSON.stringify(id)},"method":"tools/call","params":{"x":${rest},"name":${JSON.stringify(name)}}}`
        const message = one(text)
        expect(message?.tool).toBe(name)
        expect(JSON.parse(message?.id ?? '')).toEqual(id)
      }),
    )
  })
})

const allows = (tool: string) => tool.startsWith('open')
const cut = (text: string) => cutTools(Buffer.from(text), allows)?.toString()

describe('a list of tools', () => {
  test.each([
    ['[ {"name":"open"} ,{"name":"no"}]', '[ {"name":"open"}]'],
    ['[ {"name":"no"} , {"name":"open"} ]', '[ {"name":"open"} ]'],
    [
      '[{"name":"no"},{"name":"no2"} ,{"name":"open"},{"name":"no3"},{"name":"open2"}]',
      '[{"name":"open"},{"name":"open2"}]',
    ],
    ['[ {"name":"no"} ]', '[  ]'],
    ['[{"name":"n\\u006f"},{"n\\u0061me":"no"},{"title":"none"},"no"]', '[]'],
    ['[{"name":"open","name":"no"},{"name":"no","name":"open"}]', '[]'],
  ])('%s is cut to %s', (tools, left) => {
    const around = (inner: string) => `{"id":1, "result":{"nextCursor":"c" ,"tools":${inner},"_meta":{}}}\n`
    expect(cut(around(tools))).toBe(around(left))
    expect(cut(`[${around(tools)}]`)).toBe(`[${around(left)}]`)
  })

  test('is found by escaped and repeated names too', () => {
    expect(
      cut(
        '{"r\\u0065sult":{"tool\\u0073":[{"name":"no"}],"tools":[{"name":"no"}]},"result":{"tools":[{"name":"no"}]}}',
      ),
    ).toBe('{"r\\u0065sult":{"tool\\u0073":[],"tools":[]},"result":{"tools":[]}}')
  })

  test.each([
    '{"id":1,"result":{"tools":[{"name":"open"}]}}',
    '{"id":1,"result":{"content":[{"name":"no"}],"structuredContent":{"tools":[{"name":"no"}]}}}',
    '{"method":"sampling/createMessage","params":{"tools":[{"name":"no"}]}}',
    '{"id":1,"error":{"message":"no"}}',
    '{"id":1,"result":{"tools":"no"}}',
  ])('is nowhere in %s', text => {
    const bytes = Buffer.from(text)
    expect(cutTools(bytes, allows)).toBe(bytes)
  })

  test.each(['', '{"result":', '{"result":{"tools":[{"name":"no"}]}', '{} {}', 'nope'])(
    'cannot be in %j',
    text => {
      expect(cut(text)).toBeUndefined()
    },
  )

  test('keeps what is allowed, in its order and with its bytes, and all else', () => {
    const tool = fc.record({
      name: fc.oneof(fc.constantFrom('open', 'open_2', 'no', 'secret'), fc.string()),
      more: fc.jsonValue(),
    })
    fc.assert(
      fc.property(fc.array(tool), fc.jsonValue(), fc.nat(3), (tools, rest, indent) => {
        const message = { jsonrpc: '2.0', id: 1, result: { nextCursor: 'c', rest, tools } }
        const told = cut(JSON.stringify(message, undefined, indent)) ?? ''
        const kept = tools.filter(({ name }) => allows(name))
        expect(JSON.parse(told)).toEqual(
          JSON.parse(JSON.stringify({ ...message, result: { ...message.result, tools: kept } })),
        )
      }),
    )
  })
})

const listed = (...names: string[]) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: names.map(name => ({ name })) } })

describe('events', () => {
  test.each([
    [
      `id: 1\nevent: message\ndata: ${listed('no', 'open')}\nretry: 5\n\n`,
      `id: 1\nevent: message\ndata: ${listed('open')}\nretry: 5\n\n`,
    ],
    [`data:${listed('no')}\r\nid: 2\r\n\r\n`, `data: ${listed()}\r\nid: 2\r\n\r\n`],
    [
      `data: {"result":\ndata: {"tools":[{"name":"no"}]}}\nid: 3\n\n`,
      'data: {"result": {"tools":[]}}\nid: 3\n\n',
    ],
    [': ping\n\nid: 4\ndata: \n\ndata\n\n', ': ping\n\nid: 4\ndata: \n\ndata\n\n'],
    ['data: nope\n\ndata: {}\n\n', 'data: {}\n\n'],
  ])('%j leave as %j, however they come', (sent, left) => {
    fc.assert(
      fc.property(fc.array(fc.nat(sent.length)), cuts => {
        const events = new CutEvents(allows)
        const places = [0, ...cuts.toSorted((one, other) => one - other), sent.length]
        const bytes = Buffer.from(sent)
        const out = places.slice(1).map((end, i) => events.push(bytes.subarray(places[i], end)))
        // The LF of a CRLF that was split leaves with the next event.
        expect(Buffer.concat(out).toString().trimEnd()).toBe(left.trimEnd())
      }),
    )
  })

  test('that cannot be read are counted until one can', () => {
    const events = new CutEvents(allows)
    events.push(Buffer.from('data: a\n\ndata: b\n\n'))
    expect(events.malformed).toBe(2)
    events.push(Buffer.from('data: {}\n\ndata: {'))
    expect(events).toMatchObject({ malformed: 0, held: 7 })
  })

  test.each([
    ['', true, false],
    ['data: {}', false, false],
    ['data: {}\n', false, false],
    ['data: {}\n\n', true, false],
    ['data: {}\r\n\r', true, false],
    ['data: {}\r\r', true, false],
    ['id: 1\n\n', true, true],
    ['data: {}\r\nid\r\n\r\n', true, true],
    ['identity: 1\ndata: id: 1\n\n', true, false],
    [': id\n\n:', false, false],
  ])('after %j: whole %j, resumable %j', (sent, whole, resumable) => {
    for (let at = 0; at <= sent.length; at++) {
      const events = new PlainEvents()
      events.push(Buffer.from(sent.slice(0, at)))
      events.push(Buffer.from(sent.slice(at)))
      expect(events.edge).toMatchObject({ whole, resumable })
    }
  })
})
