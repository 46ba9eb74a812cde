// What the pages for users show as documents is what `apply` and `up --config` take.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Lookup, readDocuments } from '@switchyard/manifest'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(page => `docs/${page}`),
]

const shown = pages.flatMap(page =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```ya?ml\n([\s\S]*?)^```/gm)]
    .map(([, text = '']) => text)
    .filter(text => /^kind:/m.test(text))
    .map((text, index) => ({ page, number: index + 1, text })),
)

const lookup: Lookup = { env: name => `of ${name}`, file: path => `of ${path}` }

test.each(shown)('$page shows documents that are taken: $number', ({ page, text }) => {
  const { entries, problems } = readDocuments([{ file: page, text }], 'default', lookup)
  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([])
  expect(entries).toHaveLength([...text.matchAll(/^kind:/gm)].length)
})

test('the pages show some', () => {
  expect(shown.length).toBeGreaterThan(10)
})
