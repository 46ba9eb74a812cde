// What is run away from the loop: operators' patterns, schemas and webhooks, and what their failure means.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CheckThread,
  compileGuards,
  type GuardContext,
  type GuardRule,
  guardRequest,
  guardTexts,
  responseGuard,
  type Send,
} from '../src/guard/index.ts'
import { context, conversation, expectLegal, heard, reply, rule, text, user } from './guard-bed.ts'

let checker: CheckThread
beforeAll(async () => {
  checker = new CheckThread()
  await checker.find(['warm'], 'warm')
  await checker.fits('{}', '1')
})
afterAll(() => checker[Symbol.dispose]())

const texts = (rules: readonly GuardRule[], said: readonly string[], more: Partial<GuardContext> = {}) =>
  guardTexts(said, compileGuards(rules), context({ checker, ...more }))

/** Takes a time that grows exponentially with the letters in every engine that backtracks. */
const catastrophe = '^(?:a|aa)+$'
const hostile = `${'a'.repeat(60)}!`

describe("operators' patterns", () => {
  it('see folded text and redact the original', async () => {
    const rules = [rule({ kind: 'pattern', patterns: ['project-\\d{3}', '代号\\p{L}+'] })]
    const { texts: kept, findings } = await texts(rules, [
      'On ＰＲＯＪＥＣＴ-１２３: 代号黎明!',
      'PRO\u200bject-12',
    ])
    expect(kept).toEqual(['On [REDACTED:pattern]: [REDACTED:pattern]!', 'PRO\u200bject-12'])
    expect(findings).toEqual([{ rule: 'pattern', kind: 'pattern', action: 'redact', count: 2 }])
  })

  it('find what a long text holds at each edge of what they are asked about', async () => {
    const rules = [rule({ kind: 'pattern', patterns: ['code\\d{8}'], mark: '#' })]
    const at = [65_520, 65_530, 131_060, 131_072, 199_988]
    const said = at.reduce(
      (all, place) => `${all.slice(0, place)}code12345678${all.slice(place + 12)}`,
      ' '.repeat(200_000),
    )
    const { texts: kept } = await texts(rules, [said])
    expect(kept[0]).toBe(said.replaceAll('code12345678', '#'))
  })

  it('find the same in a reply however it is split', async () => {
    const rules = [
      rule({ kind: 'pattern', patterns: ['x[0-9]{2,200}y', '\\bend\\b', 'z$'] }),
      rule({ kind: 'keyword', words: ['abc'] }),
    ]
    const said = fc
      .array(
        fc.constantFrom(
          'x',
          '123',
          '0'.repeat(70),
          'y',
          ' end ',
          'bend',
          'z',
          'abc',
          ' '.repeat(50),
          '\u200b',
        ),
        { maxLength: 20 },
      )
      .map(parts => parts.join(''))
    await fc.assert(
      fc.asyncProperty(said, fc.integer({ min: 1, max: 90 }), async (all, size) => {
        const whole = await heard(rules, [reply([all])], { checker })
        const pieces = all.match(new RegExp(`.{1,${size}}`, 'gsu')) ?? []
        const cut = await heard(
          rules,
          reply(pieces).map(delta => [delta]),
          { checker },
        )
        expect([cut.text, cut.findings]).toEqual([whole.text, whole.findings])
        expectLegal(cut.deltas)
      }),
      { numRuns: 100 },
    )
  })

  it('never let out what they block, wherever a reply is split', async () => {
    const rules = [rule({ kind: 'pattern', patterns: ['forbidden\\s+phrase'], action: 'block' })]
    const said = `${'word '.repeat(70)}for\u200bbidden  phrase ${'word '.repeat(70)}`
    for (let at = 340; at < 380; at++) {
      const { text: left, blocked } = await heard(
        rules,
        reply([said.slice(0, at), said.slice(at)]).map(delta => [delta]),
        { checker },
      )
      expect(left).toBe('word '.repeat(70))
      expect(blocked).toBe('pattern')
    }
  })

  it('L8: that never end cost 50 ms of the thread, no delay of the loop, and refuse under closed', async () => {
    const rules = [rule({ kind: 'pattern', patterns: ['harmless', catastrophe], action: 'block' })]
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const began = performance.now()
    const { blocked } = await texts(rules, [hostile])
    const took = performance.now() - began
    delay.disable()
    expect(blocked).toEqual({ rule: 'pattern', failure: 'timeout' })
    expect(took).toBeGreaterThanOrEqual(45)
    // The machine may be busy: the pattern alone would take years.
    expect(took).toBeLessThan(2000)
    expect(delay.percentile(50) / 1e6).toBeLessThan(50)
  })

  it('that never end pass and are flagged under open, and the next check finds a new thread', async () => {
    const open = rule({ kind: 'pattern', patterns: [catastrophe], action: 'block', onFailure: 'open' })
    const other = rule({ kind: 'pattern', name: 'other', patterns: ['!'] })
    const { blocked, texts: kept, findings } = await texts([open, other], [hostile])
    expect(blocked).toBeUndefined()
    expect(kept).toEqual([hostile.replace('!', '[REDACTED:pattern]')])
    expect(findings).toEqual([
      { rule: 'pattern', kind: 'pattern', action: 'block', count: 0, failure: 'timeout' },
      { rule: 'other', kind: 'pattern', action: 'redact', count: 1 },
    ])
  })

  it('are busy when too many wait, and unavailable after the end', async () => {
    const small = new CheckThread({ waiting: 2 })
    const asked = Array.from({ length: 5 }, () => small.find(['a'], 'a'))
    small[Symbol.dispose]()
    small[Symbol.dispose]()
    expect((await Promise.all(asked)).map(given => ('failure' in given ? given.failure : 'found'))).toEqual([
      'unavailable',
      'unavailable',
      'busy',
      'busy',
      'busy',
    ])
    expect(await small.find(['a'], 'a')).toEqual({ failure: 'unavailable' })
  })

  it('are awaited before the next push', async () => {
    const guard = responseGuard(
      compileGuards([rule({ kind: 'pattern', patterns: ['a'] })]),
      context({ checker }),
    )
    const first = guard.push(reply(['a']))
    expect(() => guard.push([])).toThrow(TypeError)
    await first
    expect(guard.push([])).toEqual([])
  })
})

describe('a schema', () => {
  const schema = (action: GuardRule['action']) =>
    rule({
      kind: 'schema',
      stage: 'response',
      action,
      schema: { type: 'object', required: ['a'], properties: { a: { prefixItems: [{ type: 'integer' }] } } },
    })

  it('lets out a reply that fits, when it is whole', async () => {
    const { text: left, blocked } = await heard(
      [schema('block')],
      reply(['{"a":', '[1]}']).map(delta => [delta]),
      { checker },
    )
    expect([left, blocked]).toEqual(['{"a":[1]}', undefined])
  })

  it.each(['{"a":["x"]}', '{}', '{"a":[1', 'Here you are: {"a":[1]}'])(
    'lets nothing out of %s',
    async said => {
      const {
        text: left,
        blocked,
        deltas,
      } = await heard(
        [schema('block')],
        reply([said]).map(delta => [delta]),
        { checker },
      )
      expect([left, blocked]).toEqual(['', 'schema'])
      expectLegal(deltas)
    },
  )

  it('flags one that does not fit', async () => {
    const { text: left, findings } = await heard([schema('flag')], [reply(['{}'])], { checker })
    expect(left).toBe('{}')
    expect(findings).toEqual([{ rule: 'schema', kind: 'schema', action: 'flag', count: 1 }])
  })
})

describe('a webhook', () => {
  const hook = (more: Partial<GuardRule> = {}) =>
    ({
      ...rule({ kind: 'webhook', url: 'https://guard.example/', timeoutMs: 30, action: 'block' }),
      ...more,
    }) as GuardRule // a webhook still
  const says =
    (answer: unknown, heardBodies: unknown[] = []): Send =>
    (_url, _headers, body) => {
      heardBodies.push(JSON.parse(body))
      return Promise.resolve({ status: 200, body: JSON.stringify(answer) })
    }

  it('is asked with the parts, after what the other rules have redacted, and with its credential', async () => {
    const bodies: unknown[] = []
    const sent: (readonly string[])[] = []
    const given = guardRequest(
      conversation([user(text('mail a@b.cd'), text('x'))]),
      compileGuards([
        hook({ authorization: { reveal: () => 'Bearer k' } } as Partial<GuardRule>),
        rule({ kind: 'pii', types: ['email'] }),
      ]), // a webhook's field
      context({
        send: (url, headers, body, signal) => {
          sent.push([url, ...headers])
          return says({ action: 'allow' }, bodies)(url, headers, body, signal)
        },
      }),
    )
    expect((await given).blocked).toBeUndefined()
    expect(bodies).toEqual([
      {
        stage: 'request',
        model: 'm',
        requestId: 'r',
        parts: [{ text: 'mail [REDACTED:email]' }, { text: 'x' }],
      },
    ])
    expect(sent[0]).toEqual([
      'https://guard.example/',
      'content-type',
      'application/json',
      'accept',
      'application/json',
      'authorization',
      'Bearer k',
    ])
  })

  it('blocks, and by a rule that only flags does not', async () => {
    const send = says({ action: 'block', reason: 'no' })
    expect((await texts([hook()], ['a'], { send })).blocked).toEqual({ rule: 'webhook' })
    const flagged = await texts([hook({ action: 'flag' })], ['a'], { send })
    expect(flagged).toEqual({
      texts: ['a'],
      findings: [{ rule: 'webhook', kind: 'webhook', action: 'flag', count: 1 }],
    })
    expect((await texts([hook({ action: 'redact' })], ['a'], { send })).texts).toEqual(['[REDACTED:webhook]'])
  })

  it('redacts by spans in code points, or by new texts', async () => {
    const spans = says({ action: 'redact', spans: [{ part: 1, start: 1, end: 3 }] })
    expect((await texts([hook()], ['abc', '😀bcd'], { send: spans })).texts).toEqual([
      'abc',
      '😀[REDACTED:webhook]d',
    ])
    const given = says({ action: 'redact', text: ['x', null] })
    expect((await texts([hook()], ['abc', 'def'], { send: given })).texts).toEqual(['x', 'def'])
  })

  it.each<[string, Send, string]>([
    ['never answers', () => new Promise(() => undefined), 'timeout'],
    ['refuses the connection', () => Promise.reject(new Error('refused')), 'unavailable'],
    ['answers 500', () => Promise.resolve({ status: 500, body: '{"action":"allow"}' }), 'unavailable'],
    ['answers no JSON', () => Promise.resolve({ status: 200, body: 'ok' }), 'unavailable'],
    ['answers an unknown action', says({ action: 'maybe' }), 'unavailable'],
    [
      'answers a span of another part',
      says({ action: 'redact', spans: [{ part: 1, start: 0, end: 1 }] }),
      'unavailable',
    ],
  ])('that %s refuses under closed, and passes and is flagged under open', async (_name, send, failure) => {
    expect((await texts([hook()], ['a'], { send })).blocked).toEqual({ rule: 'webhook', failure })
    expect(await texts([hook({ onFailure: 'open' })], ['a'], { send })).toEqual({
      texts: ['a'],
      findings: [{ rule: 'webhook', kind: 'webhook', action: 'block', count: 0, failure }],
    })
  })

  it('judges each block of a reply whole', async () => {
    const bodies: unknown[] = []
    const { text: left, deltas } = await heard(
      [hook()],
      reply(['one ', 'two']).map(delta => [delta]),
      {
        send: says({ action: 'redact', spans: [{ start: 2, end: 5 }] }, bodies),
      },
    )
    expect(left).toBe('on[REDACTED:webhook]wo')
    expect(bodies).toEqual([{ stage: 'response', model: 'm', requestId: 'r', parts: [{ text: 'one two' }] }])
    expectLegal(deltas)
  })

  it('leaves the arguments of a tool an object', async () => {
    const { deltas } = await heard(
      [hook()],
      [
        [
          { choice: 0, type: 'open', block: 0, kind: 'tool', id: 'i', name: 'f' },
          { choice: 0, type: 'args', block: 0, json: '{"a":1}' },
          { choice: 0, type: 'close', block: 0 },
          { choice: 0, type: 'finish', stop: 'tool' },
        ],
      ],
      { send: says({ action: 'redact' }) },
    )
    expect(deltas[1]).toEqual({
      choice: 0,
      type: 'args',
      block: 0,
      json: '{"redacted":"[REDACTED:webhook]"}',
    })
  })
})
