import { describe, expect, test } from 'vitest'
import { hunksOf, type LineChange, lineChanges, pairsOf } from '../src/parts/lines.ts'

const signs = { same: ' ', removed: '-', added: '+' } as const
const drawn = (changes: readonly LineChange[]) => changes.map(({ type, text }) => signs[type] + text)
const text = (...lines: readonly string[]) => lines.map(line => `${line}\n`).join('')

describe('the difference of two texts', () => {
  test.each([
    ['nothing of nothing', '', '', []],
    ['what is only new', '', text('a'), ['+a']],
    ['what is gone', text('a', 'b'), text('b'), ['-a', ' b']],
    [
      'what was replaced, before what replaces it',
      text('a', 'b', 'c'),
      text('a', 'x', 'c'),
      [' a', '-b', '+x', ' c'],
    ],
    ['lines that moved', text('a', 'b', 'c', 'd'), text('b', 'c', 'a', 'd'), ['-a', ' b', ' c', '+a', ' d']],
    ['a missing last line break is no difference', 'a\nb', 'a\nb\n', [' a', ' b']],
  ])('%s', (_, before, after, expected) => {
    expect(drawn(lineChanges(before, after))).toEqual(expected)
  })

  test('each side read alone is the text of that side', () => {
    const before = text('a', 'b', 'c', 'a', 'b', 'b', 'a')
    const after = text('c', 'b', 'a', 'b', 'a', 'c')
    const changes = lineChanges(before, after)
    expect(text(...changes.filter(({ type }) => type !== 'added').map(({ text }) => text))).toBe(before)
    expect(text(...changes.filter(({ type }) => type !== 'removed').map(({ text }) => text))).toBe(after)
    expect(changes.filter(({ type }) => type === 'same')).toHaveLength(4)
  })

  test('what is far from every change is counted', () => {
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`)
    const changes = lineChanges(text(...lines), text(...lines.with(9, 'other')))
    const hunks = hunksOf(changes, 2)
    expect(hunks.map(hunk => (hunk.type === 'gap' ? hunk.count : hunk.lines.length))).toEqual([7, 6, 8])
    expect(hunksOf(lineChanges('a', 'a'), 2)).toEqual([{ type: 'gap', count: 1 }])
  })

  test('side by side stands what was replaced beside what replaces it', () => {
    const pairs = pairsOf(lineChanges(text('a', 'b', 'c'), text('a', 'x', 'y', 'c')))
    expect(pairs.map(({ before, after }) => [before?.text, after?.text])).toEqual([
      ['a', 'a'],
      ['b', 'x'],
      [undefined, 'y'],
      ['c', 'c'],
    ])
  })
})
