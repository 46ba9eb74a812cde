// The log as the API serves it: checkpoint and tiles to those who follow it, proofs to those who take a part of it
// away, and entries in the forms that other systems read.
import type { AuditStore, AuditTrail, Objects, Persons } from '@switchyard/runtime'
import { bundleOf, treeOf } from './archive.ts'
import { presentations } from './forms.ts'
import { openCheckpoint, type Signer } from './note.ts'
import { openEntries, personPrefix } from './persons.ts'
import { hashesOn, parseTilePath, tileHashes, tilePath } from './tiles.ts'

export interface ServedOptions {
  readonly audit: AuditStore
  readonly archive: Objects
  readonly signers: readonly Signer[]
  readonly persons: Persons
  readonly resume: () => Promise<number>
}

export function servedTrail({ audit, archive, signers, persons, resume }: ServedOptions): AuditTrail {
  const checkpoint = async () => (await audit.checkpoint())?.note
  const served: AuditTrail = {
    keys: signers.map(({ text }) => text),
    protection: archive.protection,
    writeOnce: archive.writeOnce,
    checkpoint,
    present: presentations,
    opened: entries => openEntries(persons, entries),
    named: async whom => [...whom, ...(await persons.known(whom)).map(id => `${personPrefix}${id}`)],
    erase: (as, whom) => persons.erase(as, whom),
    resume,

    async tile(path: string) {
      const asked = parseTilePath(path)
      if (!asked) return undefined
      const { level, n, width } = asked
      const { size, pruned } = await audit.head()
      const held = hashesOn(level === 'entries' ? 0 : level, size) - n * tileHashes
      if (held < width) return undefined
      if (level !== 'entries') return (await audit.tile(level, n))?.subarray(0, width * 32)
      if (n * tileHashes < pruned) return archive.get(tilePath('entries', n))
      return bundleOf(audit, n, width)
    },

    async prover() {
      const note = await checkpoint()
      if (note === undefined) return undefined
      const { size } = openCheckpoint(note, signers)
      const tree = treeOf(audit, size)
      return {
        size,
        async prove(seq: number) {
          const hashes = await tree.inclusion(seq)
          const lines = hashes.map(hash => `${Buffer.from(hash).toString('base64')}\n`)
          return `c2sp.org/tlog-proof@v1\nindex ${seq}\n${lines.join('')}\n${note}`
        },
      }
    },
  }
  return Object.freeze(served)
}
