import { createHash } from 'node:crypto'
import type { PersonKey } from '@switchyard/runtime'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openPersons, sealPersons } from '../src/audit/persons.ts'
import { canonical, type Json } from '../src/canonical.ts'

/** A key that only says whose it is and to what it is bound. */
function keyOf(who: string): PersonKey {
  const id = createHash('sha256').update(who).digest('hex').slice(0, 32)
  return {
    id,
    seal: (text, bound) => Buffer.from(JSON.stringify([id, bound, text])).toString('base64url'),
    open(sealed, bound) {
      const [of, to, text] = JSON.parse(Buffer.from(sealed, 'base64url').toString()) as [
        string,
        string,
        string,
      ]
      return of === id && to === bound ? text : undefined
    },
  }
}

const names = ['wilhelmina', 'theodora', 'zebulon'] as const
const name = fc.constantFrom(...names)
const someone = name.map(one => `user:${one}`)
const mail = name.map(one => `${one}@example.org`)
const value: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ maxLength: 8 }),
    fc.integer(),
    someone,
    mail,
    name.map(one => ({ kind: 'User', name: one })),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b/c', 'd~e', 'createdBy'), tie('value'), { maxKeys: 3 }),
  ),
})).value
const actor = fc.oneof(
  name.map(one => ({ type: 'user', id: `user:${one}`, name: one })),
  someone.map(one => ({ type: 'system', id: 'system:control', name: 'control', on_behalf_of: one })),
  fc.constant({ type: 'system', id: 'system:unknown', name: 'unknown' }),
)
const entry = fc.record(
  {
    id: fc.uuid(),
    action: fc.constant('endpoint.update'),
    actor,
    subject: fc.oneof(
      someone,
      mail.map(one => `email:${one}`),
    ),
    origin: fc.constant({ ip: '10.9.8.7', agent: 'browser of hers', request: 'r' }),
    resource: fc.oneof(
      name.map(one => ({ kind: 'User', name: one })),
      mail.map(one => ({ kind: 'Invitation', name: one })),
      fc.constant({ kind: 'Endpoint', name: 'chat' }),
    ),
    diff: fc.array(
      value.map(held => ({ op: 'add', path: '/spec/x', value: held }) as Json),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ['id', 'action', 'actor', 'origin'] },
)

test('with their keys an entry is read as it was told, and without them it names nobody', () => {
  fc.assert(
    fc.property(entry, given => {
      const told = given as { readonly [name: string]: Json }
      const used = new Map<string, PersonKey>()
      const sealed = sealPersons(told, who => {
        const key = keyOf(who)
        used.set(key.id, key)
        return key
      })
      expect(canonical(openPersons(sealed, used))).toBe(canonical(told))
      const text = canonical(openPersons(sealed, new Map()))
      for (const one of names) expect(text).not.toContain(one)
      if (used.size > 0 && canonical(told.actor ?? null).includes('user:'))
        expect(text).not.toContain('10.9.8.7')
      // Where no key is left there is nothing to open.
      const gone = canonical(sealPersons(told, who => ({ id: keyOf(who).id, open: () => undefined })))
      for (const one of names) expect(gone).not.toContain(one)
      expect(gone).not.toContain('personal')
    }),
  )
})

test('what was sealed opens in its own entry alone', () => {
  const told = { id: 'one', actor: { id: 'user:ann', name: 'ann' } }
  const sealed = sealPersons(told, keyOf)
  const keys = new Map([[keyOf('user:ann').id, keyOf('user:ann')]])
  expect(openPersons(sealed, keys)).toEqual(told)
  const moved = { ...sealed, id: 'another' }
  expect(canonical(openPersons(moved, keys))).not.toContain('user:ann')
})
