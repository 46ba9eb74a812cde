// The house's one rule, checked on every import: values only from a lower row, types also from the same row.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** Rows from the ground up. A room is a folder of packages/ or apps/. */
const rows = [
  ['kinds', 'dialects', 'catalog', 'manifest'],
  ['runtime'],
  ['api', 'control', 'gateway', 'ledger', 'store', 'drivers', 'client'],
  ['server', 'engine', 'cli', 'console'],
] as const

const rowOf = new Map<string, number>(rows.flatMap((rooms, row) => rooms.map(room => [room, row] as const)))

/** Within the lowest row `kinds` is the ground that the other rooms of knowledge stand on. */
const ground = 'kinds'

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
}

const statement =
  /^\s*(?:import|export)\s+(type\s)?([^'"`;]*?)from\s+['"]([^'"]+)['"]|(?:^|[^.\w])import\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s+['"]([^'"]+)['"]/gm

/** Only `import type` or a clause whose every name carries `type` borrows types alone. */
function typeOnly(keyword: string | undefined, clause: string | undefined): boolean {
  if (keyword) return true
  const names = clause?.match(/^\s*\{([\s\S]*)\}\s*$/)?.[1]
  return names?.split(',').every(name => !name.trim() || /^\s*type\s/.test(name)) ?? false
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(statement)].map(([, keyword, clause, from, dynamic, bare]) => ({
    from: file,
    to: from ?? dynamic ?? bare ?? '',
    typeOnly: from !== undefined && typeOnly(keyword, clause),
  }))
}

/** The room that an import reaches, when it is one of ours. */
function roomOf({ from, to }: Import): string | undefined {
  const named = to.match(/^@switchyard\/([a-z-]+)/)?.[1]
  if (named) return named
  if (!to.startsWith('.')) return undefined
  const inside = relative(root, resolve(dirname(from), to)).split('/')
  return inside[0] === 'packages' || inside[0] === 'apps' ? inside[1] : undefined
}

const rooms = ['packages', 'apps'].flatMap(storey =>
  readdirSync(join(root, storey), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => ({ room: entry.name, folder: join(root, storey, entry.name) })),
)

/** Every break of the rule in one room, each as a sentence that names both ends. */
function breaks(room: string, imports: readonly Import[]): string[] {
  const own = rowOf.get(room) ?? -1
  return imports.flatMap(found => {
    const target = roomOf(found)
    if (!target || target === room) return []
    const place = `${relative(root, found.from)} -> ${found.to}`
    const row = rowOf.get(target)
    if (row === undefined) return [`${place}: ${target} is not a room of the house`]
    if (found.to.startsWith('.')) return [`${place}: reach another room by its package name`]
    if (row < own || (row === own && target === ground)) return []
    if (row > own) return [`${place}: ${target} is in a higher row`]
    return found.typeOnly ? [] : [`${place}: ${target} is in the same row, borrow types only`]
  })
}

describe('the house', () => {
  test('every room stands in a row', () => {
    expect(rooms.map(({ room }) => room).filter(room => !rowOf.has(room))).toEqual([])
  })

  test('no room is empty', () => {
    expect(rooms.filter(({ folder }) => sourceFiles(join(folder, 'src')).length === 0)).toEqual([])
  })

  test.each(rooms)('$room imports values only from lower rows', ({ room, folder }) => {
    const imports = sourceFiles(join(folder, 'src')).flatMap(importsOf)
    expect(breaks(room, imports)).toEqual([])
  })

  test('a break is found and named', () => {
    const from = join(root, 'packages/kinds/src/model.ts')
    const to = '@switchyard/store'
    expect(breaks('kinds', [{ from, to, typeOnly: true }])).toEqual([
      'packages/kinds/src/model.ts -> @switchyard/store: store is in a higher row',
    ])
    const sideways = join(root, 'packages/api/src/watch.ts')
    expect(breaks('api', [{ from: sideways, to, typeOnly: false }])).toHaveLength(1)
    expect(breaks('api', [{ from: sideways, to, typeOnly: true }])).toEqual([])
  })

  test('only settings files read the environment', () => {
    const readers = rooms
      .flatMap(({ folder }) => sourceFiles(join(folder, 'src')))
      .filter(file => /process\.env\b/.test(readFileSync(file, 'utf8')))
      .map(file => relative(root, file))
      .filter(file => !/^apps\/[a-z]+\/src\/(settings|main|flags)\.ts$/.test(file))
    expect(readers).toEqual([])
  })
})
