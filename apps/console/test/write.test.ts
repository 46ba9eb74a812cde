// The pure parts of writing: shapes of schemas, values by path, what two people made of one document, help in YAML.
import { describe, expect, test } from 'vitest'
import type { Schema } from '../src/api/catalogue.ts'
import { isSame, merged, withValue } from '../src/write/json.ts'
import { documentSchema, fits, patternOf, shapeOf } from '../src/write/shape.ts'
import { lineOf, rangeOf, readYaml } from '../src/write/text.ts'
import { helpFor } from '../src/write/yaml-help.ts'

const spec: Schema = {
  type: 'object',
  required: ['tiers'],
  properties: {
    strict: { type: 'boolean', description: 'Refuse.' },
    tiers: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          strategy: { type: 'string', enum: ['weighted', 'latency'] },
          targets: { type: 'array', items: { type: 'object', properties: { endpoint: { type: 'string' } } } },
        },
      },
    },
    share: {
      anyOf: [
        { type: 'string', enum: ['none', 'all'] },
        { type: 'array', items: { type: 'string' } },
      ],
    },
    extra: { type: 'object', additionalProperties: { $ref: '#/$defs/any' } },
  },
  $defs: {
    any: {
      anyOf: [
        { type: 'string' },
        { type: 'number' },
        { type: 'boolean' },
        { type: 'null' },
        { type: 'array' },
        { type: 'object' },
      ],
    },
  },
}

describe('the shape of a schema', () => {
  test.each<[string, Schema, string]>([
    ['a text', { type: 'string' }, 'text'],
    ['a whole number', { type: 'integer' }, 'number'],
    ['one that may be null', { anyOf: [{ type: 'boolean' }, { type: 'null' }] }, 'switch'],
    ['a constant', { const: 'a' }, 'choice'],
    ['a map', { type: 'object', additionalProperties: { type: 'string' } }, 'map'],
    ['anything', { $ref: '#/$defs/any' }, 'any'],
    ['variants', spec.properties?.share ?? {}, 'variants'],
  ])('%s', (_, schema, type) => expect(shapeOf(schema, spec).type).toBe(type))

  test('members that must be given come first', () => {
    const shape = shapeOf(spec, spec)
    expect(shape.type === 'object' && shape.members.map(({ name }) => name)).toEqual([
      'tiers',
      'strict',
      'share',
      'extra',
    ])
  })

  test('a value tells which variant it is', () => {
    const shape = shapeOf(
      {
        oneOf: ['one', 'other'].map(value => ({
          type: 'object',
          required: ['kind'],
          properties: { kind: { const: value } },
        })),
      },
      spec,
    )
    const variants = shape.type === 'variants' ? shape.variants : []
    expect(variants.map(({ label }) => label)).toEqual(['one', 'other'])
    expect(variants.map(variant => fits(variant, { kind: 'other' }))).toEqual([false, true])
  })

  test('a path is named as kinds name their references', () => {
    expect(patternOf(['spec', 'tiers', 0, 'targets', 12, 'endpoint'])).toBe('spec.tiers[].targets[].endpoint')
  })
})

describe('values by path', () => {
  test('a member keeps its place, one without a value goes, items move up', () => {
    expect(JSON.stringify(withValue({ a: 1, b: 2 }, ['a'], 3))).toBe('{"a":3,"b":2}')
    expect(withValue({ a: { b: 1 } }, ['a', 'b'], undefined)).toEqual({ a: {} })
    expect(withValue({ a: [1, 2, 3] }, ['a', 1], undefined)).toEqual({ a: [1, 3] })
    expect(withValue(undefined, ['a', 0, 'b'], 1)).toEqual({ a: [{ b: 1 }] })
  })

  test('the order of members is no difference', () => {
    expect(isSame({ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1, d: undefined })).toBe(true)
    expect(isSame([1, 2], [2, 1])).toBe(false)
  })
})

describe('what two people made of one document', () => {
  test('comes together where they changed different things', () => {
    const base = { a: 1, b: { c: 2, d: 3 }, gone: 1 }
    const { value, overlaps } = merged(
      base,
      { a: 9, b: { c: 2, d: 3 }, gone: 1 },
      { a: 1, b: { c: 8, d: 3 }, e: 5 },
    )
    expect(value).toEqual({ a: 9, b: { c: 8, d: 3 }, e: 5 })
    expect(overlaps).toEqual([])
  })

  test('ours stands where both changed the same, and that is named', () => {
    const { value, overlaps } = merged(
      { a: { b: 1 }, l: [1] },
      { a: { b: 2 }, l: [1, 2] },
      { a: { b: 3 }, l: [0] },
    )
    expect(value).toEqual({ a: { b: 2 }, l: [1, 2] })
    expect(overlaps).toEqual(['a.b', 'l'])
  })

  test('what we took away is gone though they left it', () => {
    expect(merged({ a: 1, b: 1 }, { b: 1 }, { a: 1, b: 2 })).toEqual({ value: { b: 2 }, overlaps: [] })
  })
})

describe('the YAML of a document', () => {
  const text =
    'metadata:\n  labels:\n    a.b/c: d\nspec:\n  tiers:\n    - strategy: weighted\n      targets:\n      - endpoint: x\n'

  test.each([
    ['spec.tiers.0.targets.0.endpoint', 8],
    ['spec.tiers.0.strategy', 6],
    ['metadata.labels.a.b/c', 3],
    ['spec.missing.deeper', 4],
    ['', 1],
  ])('%s stands on line %i', (path, line) => {
    expect(lineOf(text, rangeOf(text, path).from)).toBe(line)
  })

  test('what is no YAML says where', () => {
    const { value, problems } = readYaml('a: b: c\n', 'no document')
    expect(value).toBeUndefined()
    expect(problems[0]?.message).toMatch(/mapping/)
    expect(readYaml('- a\n', 'no document').problems[0]?.message).toBe('no document')
  })

  const help = helpFor(documentSchema('Route', spec), said => said)
  const at = (written: string) => {
    const offset = written.indexOf('|')
    return help.suggest(written.replace('|', ''), offset)?.items.map(({ label }) => label)
  }

  test.each<[string, string, readonly string[]]>([
    ['keys of the document', '|', ['apiVersion', 'kind', 'metadata', 'spec']],
    ['keys of the spec', 'spec:\n  s|', ['strict', 'tiers', 'share', 'extra']],
    ['keys of an item', 'spec:\n  tiers:\n    - |', ['strategy', 'targets']],
    [
      'keys of an item in the column of its list',
      'spec:\n  tiers:\n  - strategy: a\n    |',
      ['strategy', 'targets'],
    ],
    ['keys deep below', 'spec:\n  tiers:\n    - targets:\n        - en|', ['endpoint']],
    ['values of a choice', 'spec:\n  tiers:\n    - strategy: |', ['weighted', 'latency']],
    ['values of a switch', 'spec:\n  strict: |', ['true', 'false']],
    ['values of variants', 'spec:\n  share: |', ['none', 'all']],
  ])('suggests %s', (_, written, expected) => expect(at(written)).toEqual(expected))

  test('a key is described', () => {
    expect(help.describe('spec:\n  strict: true\n', 10)).toEqual({ from: 8, to: 14, says: 'Refuse.' })
    expect(help.describe('spec:\n  strict: true\n', 17)).toBeUndefined()
  })
})
