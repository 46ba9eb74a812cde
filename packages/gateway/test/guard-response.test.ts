// What leaves of a reply while it streams: the same however it is split, nothing that a rule forbids, in a legal order.
import type { Delta } from '@switchyard/dialects'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGuards, type GuardRule, responseGuard } from '../src/guard/index.ts'
import { context, expectLegal, heard, reply, rule, said } from './guard-bed.ts'

const mixed: readonly GuardRule[] = [
  rule({ kind: 'keyword', name: 'words', words: ['secret', 'secretary', 'cret', 'e\u0301t'] }),
  rule({ kind: 'keyword', name: 'flagged', words: ['ret', 'a b'], action: 'flag' }),
  rule({ kind: 'injection', sensitivity: 'high', action: 'flag' }),
  rule({ kind: 'pii', name: 'personal', types: ['email', 'bank_card', 'cn_phone', 'ipv4', 'secret'] }),
]

const piece = fc.oneof(
  fc.constantFrom(
    'secret',
    'ary',
    'a b',
    'b@c.de',
    '13812345678',
    '4111 1111 1111 1111',
    '\u200b',
    'e\u0301',
    '🙂',
  ),
  fc.constantFrom(
    '1.2.3.4',
    ' ',
    '.',
    '\u0301',
    '\ud83d',
    'ｓｅｃ',
    'sk-',
    '0123456789abcdefghij',
    '-----begin private key-----',
  ),
  fc.constantFrom(
    'ignore ',
    'previous instruction',
    'you are now',
    '忽略',
    '之前的指令',
    '가',
    'ㅋ',
    'ｶ',
    'ﾞ',
  ),
  fc.string({ maxLength: 4 }),
)
const texts = fc.array(piece, { maxLength: 12 }).map(pieces => pieces.join(''))

/** The text and places at which it is cut. */
const split = texts.chain(text =>
  fc.tuple(
    fc.constant(text),
    fc.array(fc.nat({ max: text.length }), { maxLength: 30 }).map(cuts => {
      const at = [...new Set([0, ...cuts, text.length])].sort((one, other) => one - other)
      return at.slice(1).map((end, index) => text.slice(at[index], end))
    }),
  ),
)

describe('a reply', () => {
  it('leaves the same however its text is split', async () => {
    await fc.assert(
      fc.asyncProperty(split, fc.boolean(), async ([text, pieces], alone) => {
        const whole = await heard(mixed, [reply([text])])
        const deltas = reply(pieces)
        const cut = await heard(mixed, alone ? deltas.map(delta => [delta]) : [deltas])
        expect(cut.text).toBe(whole.text)
        expect(cut.findings).toEqual(whole.findings)
        expectLegal(cut.deltas)
      }),
      { numRuns: 500 },
    )
  })

  it('is blocked at the same place however its text is split', async () => {
    const rules = [
      ...mixed.slice(1),
      rule({ kind: 'keyword', name: 'never', words: ['secret', 'b@c'], action: 'block' }),
    ]
    await fc.assert(
      fc.asyncProperty(split, async ([text, pieces]) => {
        const whole = await heard(rules, [reply([text])])
        const cut = await heard(
          rules,
          reply(pieces).map(delta => [delta]),
        )
        expect([cut.text, cut.blocked, cut.findings]).toEqual([whole.text, whole.blocked, whole.findings])
        expectLegal(cut.deltas)
        if (cut.blocked) expect(cut.deltas).toContainEqual({ choice: 0, type: 'finish', stop: 'filter' })
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['plain', 'forbidden phrase'],
    ['with invisible letters', 'for\u200bbid\u2060den\u00ad phr\ufeffase'],
    ['in full width', 'ｆｏｒｂｉｄｄｅｎ ｐｈｒａｓｅ'],
    ['in capitals', 'FORBIDDEN PHRASE'],
    ['in another alphabet of mathematics', '𝒇𝒐𝒓𝒃𝒊𝒅𝒅𝒆𝒏 phrase'],
    ['in Chinese', '禁止\u200b词语'],
  ])('L8: never lets a forbidden phrase out that is split at each place: %s', async (_name, phrase) => {
    const words = ['forbidden phrase', '禁止词语']
    const text = `before ${phrase} after`
    for (const action of ['block', 'redact'] as const)
      for (let at = 0; at <= text.length; at++) {
        const { text: left } = await heard(
          [rule({ kind: 'keyword', words, action })],
          reply([text.slice(0, at), text.slice(at)]).map(delta => [delta]),
        )
        expect(left).toBe(action === 'block' ? 'before ' : 'before [REDACTED:keyword] after')
      }
  })

  it('holds nothing back that cannot become a match', () => {
    const guard = responseGuard(compileGuards(mixed), context())
    const [start, open] = reply([])
    expect(guard.push([start!, open!])).toHaveLength(2)
    const out = guard.push([{ choice: 0, type: 'text', block: 0, text: 'Hello there, how are you? ' }])
    expect(said(out as readonly Delta[])).toBe('Hello there, how are you?') // these rules never wait
  })

  it('guards reasoning, and drops the signature of what it has changed', async () => {
    const deltas: Delta[] = [
      { choice: 0, type: 'open', block: 0, kind: 'reasoning' },
      { choice: 0, type: 'reasoning', block: 0, text: 'the secret is' },
      { choice: 0, type: 'signature', block: 0, signature: 's', origin: 'o' },
      { choice: 0, type: 'close', block: 0 },
      { choice: 0, type: 'open', block: 1, kind: 'reasoning' },
      { choice: 0, type: 'reasoning', block: 1, text: 'nothing' },
      { choice: 0, type: 'signature', block: 1, signature: 't', origin: 'o' },
      { choice: 0, type: 'close', block: 1 },
      { choice: 0, type: 'finish', stop: 'end' },
      { choice: 0, type: 'end' },
    ]
    const { deltas: left } = await heard(mixed, [deltas])
    expect(left.filter(({ type }) => type === 'signature')).toEqual([deltas[6]])
    expect(said(left)).toBe('the [REDACTED:keyword] isnothing')
    expectLegal(left)
  })

  const tool = (pieces: readonly string[]): readonly Delta[] => [
    { choice: 0, type: 'open', block: 0, kind: 'tool', id: 'c', name: 'f' },
    ...pieces.map((json): Delta => ({ choice: 0, type: 'args', block: 0, json })),
    { choice: 0, type: 'close', block: 0 },
    { choice: 0, type: 'finish', stop: 'tool' },
    { choice: 0, type: 'end' },
  ]
  const args = (deltas: readonly Delta[]) =>
    deltas.map(delta => (delta.type === 'args' ? delta.json : '')).join('')

  it('holds the arguments of a tool until they are whole, and keeps them JSON', async () => {
    const json =
      '{"to": "b@c.de", "n": 12345678901234567890, "tel": 13812345678, "x": "s\\u0065cret \\"q\\""}'
    for (let at = 0; at <= json.length; at++) {
      const deltas = tool([json.slice(0, at), json.slice(at)])
      const { deltas: left } = await heard(
        mixed,
        deltas.map(delta => [delta]),
      )
      expect(args(left)).toBe(
        '{"to": "[REDACTED:email]", "n": 12345678901234567890, "tel": "[REDACTED:cn_phone]", "x": "[REDACTED:keyword] \\"q\\""}',
      )
      expect(left.filter(({ type }) => type === 'args')).toHaveLength(1)
      expectLegal(left)
    }
  })

  it('shows nothing of a tool whose arguments are refused', async () => {
    const rules = [rule({ kind: 'keyword', words: ['rm -rf'], action: 'block' })]
    const { deltas, blocked } = await heard(rules, [tool(['{"command":"rm', ' -rf /"}'])])
    expect(blocked).toBe('keyword')
    expect(deltas).toEqual([
      { choice: 0, type: 'finish', stop: 'filter' },
      { choice: 0, type: 'end' },
    ])
  })

  it('keeps the order of what stands between tools', async () => {
    const deltas: Delta[] = [
      { choice: 0, type: 'open', block: 0, kind: 'tool', id: 'a', name: 'f' },
      { choice: 0, type: 'open', block: 1, kind: 'tool', id: 'b', name: 'g' },
      { choice: 0, type: 'args', block: 1, json: '{}' },
      { choice: 0, type: 'args', block: 0, json: '[]' },
      { choice: 0, type: 'close', block: 0 },
      { choice: 0, type: 'close', block: 1 },
      { choice: 0, type: 'finish', stop: 'tool' },
      { choice: 0, type: 'end' },
    ]
    const { deltas: left } = await heard(
      mixed,
      deltas.map(delta => [delta]),
    )
    expect(left).toEqual([deltas[0], deltas[3], deltas[1], deltas[2], ...deltas.slice(4)])
  })

  it('lets usage and end pass after it has been blocked, and nothing else', async () => {
    const usage: Delta = {
      choice: 0,
      type: 'usage',
      usage: { quantities: {}, source: 'provider', flags: [] },
    }
    const whole = reply(['a secret b'])
    const { deltas } = await heard(
      [rule({ kind: 'keyword', words: ['secret'], action: 'block' })],
      [...whole.slice(0, -1), usage, ...whole.slice(-1)].map(delta => [delta]),
    )
    expect(deltas.map(({ type }) => type)).toEqual([
      'start',
      'open',
      'text',
      'close',
      'finish',
      'usage',
      'end',
    ])
  })

  it('ends every choice when one is blocked', async () => {
    const deltas: Delta[] = [
      { choice: 0, type: 'open', block: 0, kind: 'text' },
      { choice: 1, type: 'open', block: 0, kind: 'text' },
      { choice: 1, type: 'text', block: 0, text: 'fine' },
      { choice: 0, type: 'text', block: 0, text: 'secret!' },
      { choice: 0, type: 'end' },
    ]
    const { deltas: left } = await heard(
      [rule({ kind: 'keyword', words: ['secret'], action: 'block' })],
      [deltas],
    )
    expectLegal(left)
    expect(left.filter(({ type }) => type === 'finish')).toHaveLength(2)
  })

  it('drops what it holds back when the upstream fails', async () => {
    const fault: Delta = { choice: 0, type: 'fault', status: 502 }
    const { deltas } = await heard(mixed, [[...reply(['call 1381234']).slice(0, 3), fault]])
    expect(said(deltas)).toBe('call ')
    expect(deltas.at(-1)).toEqual(fault)
  })

  it('says of its rules whether they may wait', () => {
    expect(compileGuards(mixed).response.waits).toBe(false)
    expect(compileGuards([...mixed, rule({ kind: 'pattern', patterns: ['a'] })]).response.waits).toBe(true)
  })

  it('is left alone, delta for delta, where no rule is for replies', () => {
    const guard = responseGuard(
      compileGuards([rule({ kind: 'keyword', words: ['a'], stage: 'request' })]),
      context(),
    )
    const deltas = reply(['a'])
    expect(guard.push(deltas)).toBe(deltas)
    expect(guard.finish()).toEqual([])
  })

  it('is refused by a closed rule, and passes an open one, when too much would be held back', async () => {
    const flood = reply(['secre', '\u200b'.repeat(70_000), 't'])
    const closed = await heard([rule({ kind: 'keyword', words: ['secret'] })], [flood])
    expect(closed.blocked).toBe('keyword')
    expect(closed.text).toBe('')
    const open = await heard([rule({ kind: 'keyword', words: ['secret'], onFailure: 'open' })], [flood])
    expect(open.blocked).toBeUndefined()
    expect(open.findings).toEqual([
      { rule: 'keyword', kind: 'keyword', action: 'redact', count: 0, failure: 'held' },
    ])
  })
})
