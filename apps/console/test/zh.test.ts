// Everything that kinds say of themselves has Chinese: who adds a kind, a column or a field learns here what lacks.
import { engines } from '@switchyard/catalog'
import { kinds } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
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

/** Of the schemas as the catalogue of kinds sends them. */
const schemas = kinds.flatMap(({ spec, status }) =>
  [spec, status].map(part => z.toJSONSchema(part, { io: 'input', unrepresentable: 'any' })),
)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Everything within a schema that `pick` finds in one of its objects. */
function within(
  schema: unknown,
  pick: (one: Readonly<Record<string, unknown>>) => readonly string[],
): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(one => within(one, pick))
  if (!isObject(schema)) return []
  return [...pick(schema), ...Object.values(schema).flatMap(one => within(one, pick))]
}

const descriptions = schemas.flatMap(schema =>
  within(schema, ({ description }) => (typeof description === 'string' ? [description] : [])),
)
// Actions are called by their verbs, as fields by their names.
const names = [
  ...schemas.flatMap(schema =>
    within(schema, ({ type, properties }) =>
      type === 'object' && isObject(properties) ? Object.keys(properties) : [],
    ),
  ),
  ...kinds.flatMap(({ actions }) => actions.map(({ verb }) => verb)),
]

describe('Chinese for what kinds say of themselves', () => {
  test('every kind and action says in Chinese what it is', () => {
    const docs = kinds.flatMap(kind => [kind.doc, ...kind.actions.map(({ doc }) => doc)])
    expect(lacking(chinese.texts, docs)).toEqual([])
  })

  test('every column has a Chinese title, and no title is of a column that is gone', () => {
    expect(lacking(chinese.columns, columns)).toEqual([])
    expect(surplus(chinese.columns, columns)).toEqual([])
  })

  test('every field has a Chinese name, and its description is in Chinese', () => {
    expect(lacking(chinese.texts, descriptions)).toEqual([])
    expect(lacking(chinese.fields, names)).toEqual([])
    expect(surplus(chinese.fields, names)).toEqual([])
  })

  test('every argument of an engine has its help in Chinese', () => {
    const help = engines.flatMap(({ description, spec }) => [
      description,
      ...Object.values(spec.arguments ?? {}).flatMap(({ doc }) => (doc === undefined ? [] : [doc])),
    ])
    expect(lacking(chinese.texts, help)).toEqual([])
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
