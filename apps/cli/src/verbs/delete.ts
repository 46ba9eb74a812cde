// Deletes documents by name, or all of a file's, those that refer before what they refer to.
import type { Ref } from '@switchyard/client'
import { exitStatus, Fault, type Kind } from '@switchyard/kinds'
import { order, readManifests } from '@switchyard/manifest'
import type { Cli } from '../cli.ts'
import { readSources } from '../manifest/source.ts'
import { shortName } from '../output/formats.ts'
import { furtherDetails } from '../report.ts'
import { refsOf } from './get.ts'
import { until } from './until.ts'
import { patience } from './wait.ts'

export interface DeleteOptions {
  readonly filename?: readonly string[]
  readonly cascade?: boolean
  readonly ignoreNotFound?: boolean
  readonly wait?: boolean
}

type Named = Ref & { readonly kind: Kind }

async function refsOfFiles(cli: Cli, files: readonly string[]): Promise<readonly Named[]> {
  const { workspace } = await cli.target()
  return order(readManifests(await readSources(files, cli.terminal, cli.signal), workspace)).toReversed()
}

/** Names at most ten, then counts. */
function listed(refs: readonly Named[]): string {
  const names = refs.slice(0, 10).map(({ kind, name }) => shortName(kind, name))
  return refs.length > 10 ? `${names.join(', ')} and ${refs.length - 10} more` : names.join(', ')
}

export async function remove(cli: Cli, words: readonly string[], options: DeleteOptions): Promise<number> {
  const { filename = [], cascade = false, ignoreNotFound, wait } = options
  if (words.length > 0 === filename.length > 0)
    throw new Fault('invalid', 'Say what to delete: KIND NAME, or -f FILE, and not both.')
  const refs = filename.length > 0 ? await refsOfFiles(cli, filename) : await refsOf(cli, words)
  const { workspace, url } = await cli.target()
  await cli.confirm(`Delete ${listed(refs)} in workspace ${workspace} of ${url}?`)
  const client = await cli.client()
  const { signal } = cli.terminal
  let first: Fault | undefined
  for (const { kind, ...ref } of refs) {
    const name = shortName(kind, ref.name)
    const tell = (word: string) => cli.out(cli.flags.output === 'name' ? `${name}\n` : `${name} ${word}\n`)
    try {
      const { gone } = await client.delete(kind.kind, ref, { cascade })
      if (!gone && wait)
        await until(client, kind, ref, document => (document ? 'wait' : 'yes'), {
          seconds: cli.flags.timeout ?? patience,
          signal,
        })
      tell(gone || wait ? 'deleted' : 'deleting')
    } catch (error) {
      if (!(error instanceof Fault) || ['unavailable', 'unauthenticated', 'cancelled'].includes(error.code))
        throw error
      if (error.code === 'not_found' && ignoreNotFound) tell('not there')
      else {
        first ??= error
        cli.note(`${name}: ${error.message}`)
        for (const { path, message } of furtherDetails(error))
          cli.note(`  ${path ? `${path}: ` : ''}${message}`)
      }
    }
  }
  return first ? exitStatus[first.code] : 0
}
