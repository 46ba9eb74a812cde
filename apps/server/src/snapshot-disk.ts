// The snapshot as it is kept on disk: one sealed file for all gateway processes of a data folder, for a start while
// the store is away. It holds provider keys and the hashes of callers' keys.
import { join } from 'node:path'
import type { CredentialSecret, Document, LimitsSpec } from '@switchyard/kinds'
import { Sealed } from '@switchyard/runtime'
import type { KeyRing } from '@switchyard/store'
import { type SealedFile, sealedFile } from '@switchyard/store/sealed-file'
import { place } from './database-place.ts'
import type { Folder } from './folder.ts'
import type { Settings } from './settings.ts'
import type { SnapshotInputs } from './snapshot-store.ts'

/** Goes up when the lines say something that an older program would misread. */
const format = 1

export interface Kept {
  /** Of the change log. */
  readonly version: string
  readonly inputs: SnapshotInputs
  /** Milliseconds since 1970 at which it was last equal to the store. */
  readonly equalAt: number
}

export interface SnapshotDisk {
  /** Resolves with its bytes. */
  keep(kept: Kept): Promise<number>
  /** Undefined when there is none; a fault says why one is refused. The platform's limits are of the settings. */
  read(limits: LimitsSpec | undefined): Promise<Kept | undefined>
  /** What the file says of itself, unproven. */
  told(): Promise<Pick<Kept, 'version' | 'equalAt'> | undefined>
}

export function openSnapshotDisk(
  folder: Folder,
  { databaseUrl }: Pick<Settings, 'databaseUrl'>,
  keys: KeyRing,
): SnapshotDisk {
  const database = databaseUrl === undefined ? 'the embedded database' : `the database ${place(databaseUrl)}`
  return snapshotDisk(
    sealedFile({
      path: join(folder.path, 'snapshot.sealed'),
      keys,
      place: `installation ${folder.installation} on ${database}`,
      format,
    }),
  )
}

export function snapshotDisk(file: SealedFile): SnapshotDisk {
  return {
    keep: ({ version, inputs, equalAt }) =>
      file.write({ version, equalAt: new Date(equalAt).toISOString() }, linesOf(inputs)),
    async read(limits) {
      const found = await file.read()
      return found && { ...stampOf(found.about), inputs: inputsOf(found.lines, limits) }
    },
    async told() {
      const about = await file.about()
      return about && stampOf(about)
    },
  }
}

const stampOf = ({ version = '', equalAt = '' }: Readonly<Record<string, string>>) => ({
  version,
  equalAt: Date.parse(equalAt),
})

/** Each has one member. */
interface Line {
  readonly document?: Document
  readonly key?: SnapshotInputs['keyHashes'][number]
  readonly book?: SnapshotInputs['books'][number]
  readonly grant?: SnapshotInputs['grants'][number]
  readonly credential?: { readonly id: string; readonly secret: CredentialSecret }
}

/** Made as they are written, so that tens of thousands of documents hold the loop up for one piece at a time. */
function* linesOf({ documents, keyHashes, grants, credentials, books }: SnapshotInputs): Generator<string> {
  const line = (one: Line) => JSON.stringify(one)
  for (const document of documents) yield line({ document })
  for (const key of keyHashes) yield line({ key })
  for (const grant of grants) yield line({ grant })
  for (const book of books) yield line({ book })
  for (const [id, secret] of credentials) yield line({ credential: { id, secret: secret.reveal() } })
}

function inputsOf(lines: readonly string[], limits: LimitsSpec | undefined): SnapshotInputs {
  const all = lines.map(line => JSON.parse(line) as Line) // written by `linesOf` alone, and proven to be whole
  return {
    documents: all.flatMap(({ document }) => document ?? []),
    keyHashes: all.flatMap(({ key }) => key ?? []),
    grants: all.flatMap(({ grant }) => grant ?? []),
    credentials: new Map(
      all.flatMap(({ credential }) =>
        credential ? [[credential.id, new Sealed(Object.freeze(credential.secret))]] : [],
      ),
    ),
    books: all.flatMap(({ book }) => book ?? []),
    limits,
  }
}
