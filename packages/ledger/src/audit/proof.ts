// A proof that the log holds an entry (C2SP tlog-proof), as an export carries it.
import { hashLeaf } from './hash.ts'
import { type Checkpoint, openCheckpoint, type Verifier } from './note.ts'
import { includes } from './tree.ts'

export interface Proved {
  /** The entry is the one at that index of the log that the checkpoint was signed over. */
  readonly holds: boolean
  readonly index: number
  readonly checkpoint: Checkpoint
}

const pattern =
  /^c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]*\n)?index (0|[1-9]\d*)\n((?:[A-Za-z0-9+/]{43}=\n)*)\n/

/** `invalid` (`bad_checkpoint`) when it is no proof with a checkpoint of a form that can be read. */
export function verifyProof(text: string, entry: Uint8Array, verifiers: readonly Verifier[]): Proved {
  const [head = '', index = '', hashes = ''] = pattern.exec(text) ?? []
  const checkpoint = openCheckpoint(text.slice(head.length), verifiers)
  const proof = hashes
    .split('\n')
    .filter(line => line !== '')
    .map(line => Buffer.from(line, 'base64'))
  const at = Number(index)
  const [first] = verifiers
  const ours = checkpoint.signedBy.length > 0 && checkpoint.origin === first?.name
  return {
    holds: head !== '' && ours && includes(hashLeaf(entry), at, checkpoint.size, proof, checkpoint.root),
    index: at,
    checkpoint,
  }
}
