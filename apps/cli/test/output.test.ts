import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDuration, parseMoment } from '../src/duration.ts'
import { cell, relative, span } from '../src/output/cell.ts'
import { table } from '../src/output/table.ts'
import { displayWidth, pad, safe } from '../src/output/width.ts'
import { usageTable } from '../src/verbs/usage.ts'

const now = new Date('2026-03-01T12:00:00.000Z')

describe('the width of text', () => {
  test.each([
    ['abc', 3],
    ['模型', 4],
    ['a模b', 4],
    ['モデル', 6],
    ['모델', 4],
    ['（全角）', 8],
    ['é', 1],
    ['e\u0301', 1],
    ['👍', 2],
    ['👩‍👩‍👧', 2],
    ['\u001b[31mred\u001b[0m', 3],
    ['', 0],
  ])('%j takes %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width)
  })

  test('padding ends at the same column whatever the script', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '模', 'é', '👍', '-') }), text => {
        const wanted = displayWidth(text) + 3
        expect(displayWidth(pad(text, wanted))).toBe(wanted)
        expect(displayWidth(pad(text, wanted, 'right'))).toBe(wanted)
      }),
    )
  })

  test('no control character of others reaches the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(safe(text)).not.toMatch(/(?![\t\n])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u)
      }),
    )
    expect(safe('a\u001b]0;owned\u0007b')).toBe('a\ufffd]0;owned\ufffdb')
  })
})

describe('a table', () => {
  test('lines up Chinese beside Latin and leaves nothing behind a line', () => {
    const { text } = table(
      [{ title: 'NAME' }, { title: 'N', align: 'right' }, { title: 'NOTE' }],
      [
        ['聊天', '7', 'x'],
        ['chat-model', '1234', ''],
      ],
    )
    expect(text).toBe('NAME           N  NOTE\n聊天           7  x\nchat-model  1234\n')
  })
  test('has no titles when none are wanted, and keeps a cell on its line', () => {
    expect(table([{ title: 'A' }], [['one\n  two']], { headers: false }).text).toBe('one two\n')
  })
  test('keeps the widths of rows shown before', () => {
    const first = table([{ title: 'A' }, { title: 'B' }], [['longer', '1']])
    const next = table([{ title: 'A' }, { title: 'B' }], [['x', '2']], { headers: false }, first.widths)
    expect(next.text).toBe('x       2\n')
  })
})

describe('cells', () => {
  test.each([
    [undefined, '-'],
    ['', '-'],
    [[], '-'],
    [['chat', 'embedding'], 'chat,embedding'],
    [0, '0'],
    [true, 'true'],
    [{ a: 1 }, '{"a":1}'],
    ['2026-03-01T11:55:00.000Z', '5m ago'],
    ['2026-03-04T12:00:00.000Z', 'in 3d'],
  ])('%j is shown as %s', (value, text) => {
    expect(cell(value, now)).toBe(text)
  })
  test.each([
    [0, '0s'],
    [119_000, '119s'],
    [120_000, '2m'],
    [2 * 3_600_000, '2h'],
    [72 * 3_600_000, '3d'],
    [800 * 86_400_000, '2y'],
    [-5, '0s'],
  ])('%i ms is %s', (milliseconds, text) => {
    expect(span(milliseconds)).toBe(text)
  })
  test('a moment that just passed was 0s ago', () => {
    expect(relative(now.toISOString(), now)).toBe('0s ago')
  })
})

describe('durations', () => {
  test.each([
    ['30', 30],
    ['30s', 30],
    ['5m', 300],
    ['1h30m', 5400],
    ['7d', 604_800],
    ['2w', 1_209_600],
  ])('%s is %i seconds', (text, seconds) => {
    expect(parseDuration(text, '--timeout')).toBe(seconds)
  })
  test.each(['', 'soon', '5 m', '-3s', '5mm', '1.5h'])('%j is refused with the flag named', text => {
    expect(() => parseDuration(text, '--timeout')).toThrow(/--timeout .*such as 30s/)
  })
  test('a moment is a day, a time, or a length from now', () => {
    expect(parseMoment('2026-01-31', '--from', now, -1)).toBe('2026-01-31T00:00:00.000Z')
    expect(parseMoment('24h', '--from', now, -1)).toBe('2026-02-28T12:00:00.000Z')
    expect(parseMoment('90d', '--expires', now, 1)).toBe('2026-05-30T12:00:00.000Z')
    expect(() => parseMoment('2026-13-45', '--from', now, -1)).toThrow('no such day')
  })
})

describe('the usage table', () => {
  const row = (model: string, requests: string, input: string, output: string) => ({
    group: { model },
    requests,
    quantities: { 'tok.in.uncached': input, 'tok.out.text': output },
    tokens: { input, output },
    amounts: [],
  })
  test('adds up below, beyond what a number can hold', () => {
    const rows = [row('a', '2', '9007199254740993', '1'), row('b', '3', '9007199254740993', '2')]
    const { columns, cells } = usageTable(['model'], rows, false)
    expect(cells.at(-1)).toEqual(['TOTAL', '5', '18014398509481986', '3', '18014398509481989'])
    expect(columns.map(({ align = 'left' }) => align)).toEqual(['left', 'right', 'right', 'right', 'right'])
  })
  test('has a column for each unit that is no token, where one was used', () => {
    const drawn = { ...row('b', '1', '0', '0'), quantities: { 'img.out.px': '18014398509481986' } }
    const { columns, cells } = usageTable(['model'], [row('a', '2', '5', '1'), drawn], false)
    expect(columns.at(-1)?.title).toBe('IMG.OUT.PX')
    expect(cells.map(line => line.at(-1))).toEqual(['0', '18014398509481986', '18014398509481986'])
  })
  test('tells amounts by currency, to the last digit, and what they cost us where that is known', () => {
    const paid = (model: string, amount: string, cost: string | null, margin: string | null) => ({
      ...row(model, '1', '1', '1'),
      uncosted: margin === null ? '1' : '0',
      amounts: [{ currency: 'USD', amount, cost, margin }],
    })
    const known = [paid('a', '0.0000192', '0', '0.0000192'), paid('b', '-0.5', '0.25', '-0.75')]
    const { columns, cells } = usageTable(['model'], known, false)
    expect(columns.map(({ title }) => title).slice(-3)).toEqual(['USD', 'COST USD', 'MARGIN USD'])
    expect(cells.map(line => line.slice(-3))).toEqual([
      ['0.0000192', '0', '0.0000192'],
      ['-0.5', '0.25', '-0.75'],
      ['-0.4999808', '0.25', '-0.7499808'],
    ])
    const unpriced = { ...row('c', '1', '1', '1'), uncosted: '1', amounts: [] }
    const some = usageTable(['model'], [...known, paid('d', '3', null, null), unpriced], false)
    expect(some.cells.slice(2).map(line => line.slice(-3))).toEqual([
      ['3', '?', '?'],
      ['0', '?', '?'],
      ['2.5000192', '?', '?'],
    ])
  })
  test('has a column for each class of token when wide, and no sum of a single line', () => {
    const { columns, cells } = usageTable(['model'], [row('a', '2', '5', '1')], true)
    expect(columns.map(({ title }) => title).slice(-2)).toEqual(['TOK.IN.UNCACHED', 'TOK.OUT.TEXT'])
    expect(cells).toHaveLength(1)
  })
})
