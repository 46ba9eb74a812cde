// What may stand where in the YAML of a document: from the indentation around a place and the schema of its kind.
import type { Schema } from '../api/catalogue.ts'
import type { Help, Suggestion } from '../parts/code-mirror.tsx'
import { resolved } from './shape.ts'

/** A key, or the dash of an item, by the column in which it begins. */
interface Mark {
  readonly column: number
  /** Absent for a dash. */
  readonly key?: string
  /** Where what follows the key begins. */
  readonly after: number
}

const keyPattern = /^("[^"]*"|'[^']*'|[\w./-]+)\s*:(?=\s|$)/

function marksOf(line: string): readonly Mark[] {
  const marks: Mark[] = []
  let column = line.length - line.trimStart().length
  while (line.startsWith('- ', column) || line.slice(column) === '-') {
    marks.push({ column, after: column + 1 })
    const rest = line.slice(column + 1)
    column += 1 + rest.length - rest.trimStart().length
  }
  const [written, key] = keyPattern.exec(line.slice(column)) ?? []
  if (written !== undefined && key !== undefined)
    marks.push({ column, key: key.replace(/^["']|["']$/g, ''), after: column + written.length })
  return marks
}

/** Steps down to a column of a line, `[]` for a list. */
function pathTo(lines: readonly string[], line: number, before: number): readonly string[] {
  const path: string[] = []
  let limit = before
  let wasItem = false
  for (let at = line; at >= 0; at--)
    for (const mark of marksOf(lines[at] ?? '').toReversed()) {
      const isKey = mark.key !== undefined
      // The items of a list may stand in the column of its key.
      if (mark.column < limit || (wasItem && isKey && mark.column === limit)) {
        path.unshift(mark.key ?? '[]')
        limit = mark.column
        wasItem = !isKey
      }
    }
  return path
}

/** Every schema that a path may mean: variants are all looked into. */
function schemasAt(root: Schema, path: readonly string[]): readonly Schema[] {
  const open = (given: Schema): readonly Schema[] => {
    const schema = resolved(given, root)
    const either = schema.oneOf ?? schema.anyOf
    return either ? either.flatMap(open) : [schema]
  }
  return path.reduce<readonly Schema[]>(
    (schemas, step) =>
      schemas.flatMap(({ properties, additionalProperties, items }) => {
        if (step === '[]') return typeof items === 'object' ? open(items) : []
        const member = properties?.[step]
        if (member) return open(member)
        return typeof additionalProperties === 'object' ? open(additionalProperties) : []
      }),
    open(root),
  )
}

const opensBlock = (schema: Schema, root: Schema) => {
  const { type, properties, items } = resolved(schema, root)
  return type === 'object' || type === 'array' || properties !== undefined || items !== undefined
}

type Say = (text: string) => string

function keysOf(schemas: readonly Schema[], root: Schema, say: Say): readonly Suggestion[] {
  const found = new Map<string, Suggestion>()
  for (const { properties = {}, required = [] } of schemas)
    for (const [name, given] of Object.entries(properties)) {
      const schema = resolved(given, root)
      found.set(name, {
        label: name,
        apply: opensBlock(schema, root) ? `${name}:` : `${name}: `,
        type: 'property',
        ...(required.includes(name) && { detail: '*' }),
        ...(schema.description !== undefined && { info: say(schema.description) }),
      })
    }
  return [...found.values()]
}

function valuesOf(schemas: readonly Schema[]): readonly Suggestion[] {
  const values = schemas.flatMap(({ const: only, enum: options, type }) =>
    only !== undefined ? [only] : (options ?? (type === 'boolean' ? [true, false] : [])),
  )
  return [...new Set(values.map(String))].map(label => ({ label, type: 'enum' }))
}

function placeOf(text: string, offset: number) {
  const lines = text.split('\n')
  const before = text.slice(0, offset).split('\n')
  return { lines, line: before.length - 1, column: before.at(-1)?.length ?? 0 }
}

/** `root` is the schema of the whole document; `say` puts descriptions in the person's language. */
export function helpFor(root: Schema, say: Say): Help {
  return {
    suggest(text, offset) {
      const { lines, line, column } = placeOf(text, offset)
      const here = lines[line] ?? ''
      const written = /[\w./-]*$/.exec(here.slice(0, column))?.[0] ?? ''
      const from = offset - written.length
      const key = marksOf(here).findLast(mark => mark.key !== undefined && mark.after < column)
      if (key) return { from, items: valuesOf(schemasAt(root, pathTo(lines, line, key.column + 1))) }
      const path = pathTo(lines, line, column - written.length)
      const schemas = schemasAt(root, path)
      return { from, items: [...keysOf(schemas, root, say), ...valuesOf(schemas)] }
    },
    describe(text, offset) {
      const { lines, line, column } = placeOf(text, offset)
      const mark = marksOf(lines[line] ?? '').find(
        one => one.key !== undefined && one.column <= column && column < one.after,
      )
      if (!mark) return undefined
      const path = pathTo(lines, line, mark.column + 1)
      const described = pathSchemas(root, path).find(({ description }) => description !== undefined)
      if (described?.description === undefined) return undefined
      const start = offset - column + mark.column
      return { from: start, to: start + (mark.key?.length ?? 0), says: say(described.description) }
    },
  }
}

/** The schemas of a key before its variants are looked into: they hold what is said of it. */
function pathSchemas(root: Schema, path: readonly string[]): readonly Schema[] {
  const last = path.at(-1)
  if (last === undefined) return []
  return schemasAt(root, path.slice(0, -1)).flatMap(({ properties }) => {
    const member = properties?.[last]
    return member ? [resolved(member, root)] : []
  })
}
