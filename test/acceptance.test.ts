// The page of what the gateway promises, against the titles of the tests: a promise without a gap has a test of its
// number, one with a gap has none, and no test bears a number that the page does not have.
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const page = 'docs/acceptance.md'

/** Undefined where it has none. */
type Gap = string | undefined

function promises(text: string): ReadonlyMap<string, Gap> {
  const lines = text.matchAll(/^\| ([A-Z]\d{1,2}) \| ([^|]+) \|([^|]*)\|$/gm)
  return new Map([...lines].map(([, id = '', , gap = '']) => [id, gap.trim() || undefined]))
}

/** First arguments of `test`, of its like, and of what `test.each(…)` and `test.skipIf(…)` give. */
const title = /(?:\b(?:test|it|describe|suite)(?:\.\w+)*|\))\s*\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1\s*,/g

/** `A5: …`, `A5, A11: …`, `A5 …` at the beginning; `…; A5: …` and `… (A5)` further on. */
function named(text: string): readonly string[] {
  const begins = /^(?:[A-Z]\d{1,2}, )*[A-Z]\d{1,2}(?=[: ]|$)/.exec(text)?.[0] ?? ''
  const inside = [...text.slice(begins.length).matchAll(/[\s;(]([A-Z]\d{1,2})(?=[:)])/g)].map(
    ([, id = '']) => id,
  )
  return [...begins.split(', ').filter(Boolean), ...inside]
}

/** The files that name it, of each number. */
function bearers(): ReadonlyMap<string, readonly string[]> {
  const files = globSync(['{packages,apps,models,bench}/**/test/**/*.test.ts', 'test/**/*.test.ts'], {
    cwd: root,
    exclude: path => path.includes('node_modules'),
  })
  const pairs = files
    .filter(file => file !== 'test/acceptance.test.ts')
    .flatMap(file =>
      [...readFileSync(join(root, file), 'utf8').matchAll(title)].flatMap(([, , text = '']) =>
        named(text).map(id => ({ id, file })),
      ),
    )
  return new Map(
    [...Map.groupBy(pairs, ({ id }) => id)].map(([id, all]) => [id, all.map(({ file }) => file)]),
  )
}

describe('what the gateway promises', () => {
  const all = promises(readFileSync(join(root, page), 'utf8'))
  const found = bearers()
  const where = (id: string) => `${id} (${[...new Set(found.get(id))].join(', ')})`

  test('is numbered without a hole', () => {
    const counts = { A: 12, B: 5, S: 8, C: 13, F: 15, R: 11, L: 10, E: 6 }
    const ids = Object.entries(counts).flatMap(([letter, most]) =>
      Array.from({ length: most }, (_, i) => `${letter}${i + 1}`),
    )
    expect([...all.keys()]).toEqual(ids)
  })

  test(`has a test of its number, or says in ${page} what is not shown`, () => {
    expect([...all].filter(([id, gap]) => gap === undefined && !found.has(id)).map(([id]) => id)).toEqual([])
  })

  test(`says in ${page} of nothing that a test bears that it is a gap`, () => {
    expect(
      [...all].filter(([id, gap]) => gap !== undefined && found.has(id)).map(([id]) => where(id)),
    ).toEqual([])
  })

  test(`is all that tests bear the numbers of`, () => {
    expect([...found.keys()].filter(id => !all.has(id)).map(where)).toEqual([])
  })

  test.each([
    ['A5, A11: a revoked key', ['A5', 'A11']],
    ['R11 a request', ['R11']],
    ['R1', ['R1']],
    ['is kept at once; E3: streams end', ['E3']],
    ['is opened (R4) and closed', ['R4']],
    ['A100 has 80 GB, F16 is a type, kept in S3 or not', []],
  ])('%s names %j', (text, ids) => {
    expect(named(text)).toEqual(ids)
  })
})
