// Whatever the server refuses or examines has Chinese: who adds a reason, a rule or a check learns here what lacks.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { codes, Fault } from '@switchyard/kinds/fault'
import { describe, expect, test, vi } from 'vitest'
import { saidBy } from '../src/kinds/said.ts'
import { chinese } from '../src/kinds/zh/index.ts'

// Of a browser, which asks it when the first file is read.
vi.hoisted(() => Object.assign(globalThis, { matchMedia: () => ({ matches: false }) }))

const root = resolve(import.meta.dirname, '../../..')

/** Rooms whose refusals reach a browser. */
const rooms = [
  'api',
  'client',
  'control',
  'dialects',
  'drivers',
  'gateway',
  'kinds',
  'ledger',
  'runtime',
  'store',
]

/** Said at the start of a server, on the command line, or to another program of ours: no browser hears them. */
const elsewhere = [
  'archive_credentials',
  'archive_not_locked',
  'archive_url',
  'backup_damaged',
  'backup_format',
  'backup_partial',
  'data_unreadable',
  'data_version',
  'database_empty',
  'database_not_empty',
  'database_start_failed',
  'database_too_old',
  'database_url',
  'folder_not_empty',
  'folder_unwritable',
  'initdb_failed',
  'no_binaries',
  'redis_url',
  'roles_missing',
  'schema_denied',
  'schema_differs',
  'schema_newer',
  'secret_key_file',
]

const sources = (folders: readonly string[]) =>
  folders.flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.ts'))
      .map(path => readFileSync(join(root, folder, path), 'utf8')),
  )

/** What stands in the first bracket of each place that is found. */
const found = (texts: readonly string[], pattern: RegExp) => [
  ...new Set(texts.flatMap(text => [...text.matchAll(pattern)].map(([, one = '']) => one))),
]

const server = sources(rooms.map(room => `packages/${room}/src`))
const lacking = (words: Readonly<Record<string, string>>, wanted: readonly string[]) =>
  wanted.filter(one => !Object.hasOwn(words, one)).toSorted()

describe('Chinese for what the server refuses', () => {
  test('every code has a title and an advice', () => {
    expect(lacking(chinese.refusals, codes)).toEqual([])
    expect(lacking(chinese.advice, codes)).toEqual([])
  })

  test('every reason that reaches a browser has a title', () => {
    const reasons = found(server, /\breason: '([a-z][a-z_]+)'/g)
    expect(reasons.length).toBeGreaterThan(150)
    expect(
      lacking(
        chinese.refusals,
        reasons.filter(one => !elsewhere.includes(one)),
      ),
    ).toEqual([])
  })

  test('every rule that a field may break has words', () => {
    const rules = found(server, /\brule: '([a-z][a-z_]+)'/g)
    expect(rules.length).toBeGreaterThan(30)
    expect(lacking(chinese.rules, rules)).toEqual([])
  })

  test('a reason that is not known is told by its code, and in English the server speaks for itself', () => {
    const said = saidBy(chinese)
    expect(said.refusal(new Fault('exhausted', 'No more.', { reason: 'made_up' }))).toEqual({
      title: '已达到限额',
      advice: '请稍后重试，或联系管理员提高限额。',
    })
    expect(said.refusal(new Fault('conflict', 'Taken.', { reason: 'constructor' }))?.title).toBe(
      '与当前状态冲突',
    )
    expect(said.rule('constructor')).toBeUndefined()
  })

  test('every check of the doctor says in Chinese what it asserts and what to do', () => {
    const texts = sources(['packages/store/src', 'apps/server/src'])
    const names = found(texts, /name: '([a-z_]+)',\s+asserts:/g)
    expect(names.length).toBeGreaterThan(30)
    expect(lacking(chinese.asserts, names)).toEqual([])
    expect(lacking(chinese.todos, names)).toEqual([])
    expect(Object.keys(chinese.asserts).filter(one => !names.includes(one))).toEqual([])
  })
})
