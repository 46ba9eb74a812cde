// Everything that kinds say of themselves has Chinese: who adds a kind, a column or a field learns here what lacks.
import { kinds } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import { chinese } from '../src/kinds/zh/index.ts'

const lacking = (words: Readonly<Record<string, string>>, wanted: readonly string[]) => [
  ...new Set(wanted.filter(text => !Object.hasOwn(words, text))),
]

const surplus = (words: Readonly<Record<string, string>>, wanted: readonly string[]) =>
  Object.keys(words).filter(text => !wanted.includes(text))

const columns = kinds.flatMap(kind => kind.columns.map(({ title }) => title))
const phases = kinds.flatMap(kind => kind.phases)
const conditions = kinds.flatMap(kind => Object.keys(kind.conditions))
const reasons = kinds.flatMap(kind => Object.values(kind.conditions).flat())

describe('Chinese for what kinds say of themselves', () => {
  test('every kind and action says in Chinese what it is', () => {
    const docs = kinds.flatMap(kind => [kind.doc, ...kind.actions.map(({ doc }) => doc)])
    expect(lacking(chinese.texts, docs)).toEqual([])
  })

  test('every column has a Chinese title, and no title is of a column that is gone', () => {
    expect(lacking(chinese.columns, columns)).toEqual([])
    expect(surplus(chinese.columns, columns)).toEqual([])
  })

  test('every phase, condition and reason has Chinese', () => {
    expect(lacking(chinese.phases, phases)).toEqual([])
    expect(lacking(chinese.conditions, conditions)).toEqual([])
    expect(lacking(chinese.reasons, reasons)).toEqual([])
    expect(surplus(chinese.phases, phases)).toEqual([])
    expect(surplus(chinese.conditions, conditions)).toEqual([])
  })

  test('what is said in Chinese is Chinese, with its own punctuation', () => {
    const said = Object.values(chinese).flatMap(words => Object.entries(words as Record<string, string>))
    const strange = said.filter(
      ([english, text]) =>
        text !== english && (!/\p{Script=Han}/u.test(text) || /\p{Script=Han}[,;:!?()]/u.test(text)),
    )
    expect(strange).toEqual([])
  })
})
