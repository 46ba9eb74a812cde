// What is looked at, and what is done to several at once, as values.
import { kinds } from '@switchyard/kinds'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { KindInfo } from '../src/api/catalogue.ts'
import { paceOf } from '../src/deploy/pace.ts'
import { soughtHere } from '../src/usage/search.ts'
import { deedsFor } from '../src/write/deeds.ts'

// Of a browser, which asks it when the first file is read.
vi.hoisted(() => Object.assign(globalThis, { matchMedia: () => ({ matches: false }) }))

describe('usage is sought', () => {
  test('where one looks, where the address says nothing', () => {
    expect(soughtHere({}, 'acme', 'shop')).toEqual({ workspace: 'acme', project: 'shop' })
    expect(soughtHere({}, '', '')).toEqual({ workspace: undefined, project: undefined })
  })
  test('where the address says, and a project of another workspace is none of it', () => {
    expect(soughtHere({ workspace: 'other' }, 'acme', 'shop')).toEqual({
      workspace: 'other',
      project: undefined,
    })
    expect(soughtHere({ project: 'search' }, 'acme', 'shop')).toEqual({
      workspace: 'acme',
      project: 'search',
    })
  })
})

const info = (name: string): KindInfo => {
  const kind = kinds.find(one => one.kind === name)
  if (!kind) throw new TypeError(`There is no kind ${name}.`)
  const schemaOf = (part: z.ZodType) => z.toJSONSchema(part, { io: 'input', unrepresentable: 'any' })
  // As the catalogue of kinds sends it.
  return { ...kind, spec: schemaOf(kind.spec), status: schemaOf(kind.status) } as unknown as KindInfo
}

describe('what is done to several at once', () => {
  test.each([
    ['ApiKey', ['disabled true', 'disabled false', 'label', 'act rotate', 'delete']],
    ['Endpoint', ['paused true', 'paused false', 'label', 'delete']],
    ['Workspace', ['suspended true', 'suspended false', 'label', 'delete']],
    ['Route', ['label', 'delete']],
  ])('is what %s can be switched to, its labels, its own verbs, and deleting it', (name, ids) => {
    expect(deedsFor(info(name)).map(({ id }) => id)).toEqual(ids)
  })
  test('asks for the permission of each, and for typing where nothing turns it back', () => {
    const deeds = deedsFor(info('ApiKey'))
    expect(deeds.map(({ permission }) => permission)).toEqual([
      'api_key:update',
      'api_key:update',
      'api_key:update',
      'api_key:rotate',
      'api_key:delete',
    ])
    expect(deeds.filter(({ isFinal }) => isFinal).map(({ id }) => id)).toEqual(['act rotate', 'delete'])
  })
})

describe('the pace of a reading', () => {
  test('is told once a second of it was seen', () => {
    expect(paceOf({ bytes: 0, at: 0 }, { bytes: 100, at: 500 }, 1000)).toBeUndefined()
    expect(paceOf({ bytes: 0, at: 0 }, { bytes: 0, at: 5000 }, 1000)).toBeUndefined()
    expect(paceOf({ bytes: 100, at: 0 }, { bytes: 300, at: 2000 }, 1000)).toEqual({
      bytesPerSecond: 100,
      secondsLeft: 7,
    })
  })
})
