// Which file the quickstart endpoint serves, checked before anything is started.
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Fault } from '@switchyard/kinds'

export interface ServedModel {
  readonly file: string
  /** `file:///folder`: the registry that the file is found in. */
  readonly registry: { readonly name: string; readonly url: string }
  /** Path of the file below the registry's folder. */
  readonly path: string
  /** Name of the Model and of its Endpoint, which is what callers ask for. */
  readonly name: string
  readonly bundled: boolean
}

const bundledFile = fileURLToPath(new URL('../../../models/tiny/switchyard-tiny.gguf', import.meta.url))

/** `invalid` with one sentence when the file can't be read or is no GGUF. */
export function servedModel(given: string | undefined): ServedModel {
  const file = given ?? bundledFile
  checkMagic(file)
  const folder = dirname(file)
  const url = pathToFileURL(folder).href
  // Two folders may hold files of one name; the folder's digest keeps their registries apart.
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 8)
  return Object.freeze({
    file,
    registry: { name: given === undefined ? 'bundled' : `folder-${digest}`, url },
    path: basename(file),
    name: documentName(basename(file)),
    bundled: given === undefined,
  })
}

/** A file's name as a document's: lower case, every other character a dash, at most 63. */
function documentName(file: string): string {
  const name = file
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '')
  return name === '' ? 'model' : name
}

function checkMagic(file: string): void {
  const magic = Buffer.alloc(4)
  try {
    const handle = openSync(file, 'r')
    try {
      readSync(handle, magic, 0, 4, 0)
    } finally {
      closeSync(handle)
    }
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause) // fs throws nothing else
    throw new Fault(
      'invalid',
      `Cannot read the model ${file} (${why}): give a GGUF file that this user may read with --model FILE.gguf.`,
      {
        reason: 'model_unreadable',
        cause,
      },
    )
  }
  if (magic.toString('latin1') !== 'GGUF')
    throw new Fault('invalid', `${file} is not a GGUF file: give one with --model FILE.gguf.`, {
      reason: 'model_format',
    })
}
