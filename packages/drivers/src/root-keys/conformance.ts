// What every root key must do, as cases; the test of each runs them.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Fault } from '@switchyard/kinds'
import { type RootKey, Sealed } from '@switchyard/runtime'

/** The same key twice, as two processes have it, and another one. */
export interface Subject {
  readonly one: RootKey
  readonly again: RootKey
  readonly other: RootKey
}

export interface Case {
  readonly name: string
  run(subject: Subject): Promise<void>
}

const name = '0123456789abcdef'
const key = () => new Sealed<Uint8Array>(Uint8Array.from(randomBytes(32)))
const bytes = (value: Sealed<Uint8Array>) => Buffer.from(value.reveal())

async function refused(work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert(error instanceof Fault, String(error))
    assert(['secret_damaged', 'key_service'].includes(error.reason ?? ''), error.reason)
    return true
  })
}

export const cases: readonly Case[] = [
  {
    name: 'gives back what it has wrapped, in every process that has it',
    async run({ one, again }) {
      const given = key()
      const wrapped = await one.wrap(given, name)
      assert.deepEqual(bytes(await one.unwrap(wrapped, name)), bytes(given))
      assert.deepEqual(bytes(await again.unwrap(wrapped, name)), bytes(given))
      assert.equal(again.id, one.id)
    },
  },
  {
    name: 'does not show the key in what may be stored',
    async run({ one }) {
      const given = key()
      assert(!Buffer.from(await one.wrap(given, name)).includes(bytes(given)))
    },
  },
  {
    name: 'has an id that is no secret and fits where it is stored',
    async run({ one }) {
      assert.match(one.id, /^[\x21-\x7e]{1,64}$/)
      if (one.itself) assert(!one.id.includes(bytes(one.itself).toString('hex')))
    },
  },
  {
    name: 'refuses what was altered, and what another key has wrapped',
    async run({ one, other }) {
      const wrapped = Buffer.from(await one.wrap(key(), name))
      const altered = Buffer.from(wrapped)
      altered.writeUInt8(altered.readUInt8(altered.length - 1) ^ 1, altered.length - 1)
      await refused(one.unwrap(altered, name))
      await refused(one.unwrap(wrapped.subarray(0, -1), name))
      await refused(other.unwrap(wrapped, name))
    },
  },
]
