// The folder that `switchyard up` was started in: its facts log the command line in there.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '@switchyard/kinds/fault'

export interface FolderFacts {
  readonly file: string
  readonly baseUrl: string
  readonly apiKey?: string
  readonly model?: string
  readonly setupUrl?: string
  readonly adminToken?: string
  readonly workspace?: string
}

function parse(file: string, raw: string): FolderFacts {
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch (error) {
    throw new Fault('invalid', `${file} is no JSON: run \`switchyard up\` again, which writes it anew.`, {
      cause: error,
    })
  }
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const facts = Object.fromEntries(fields.filter(([, field]) => typeof field === 'string' && field !== ''))
  if (typeof facts.baseUrl !== 'string')
    throw new Fault('invalid', `${file} names no baseUrl: run \`switchyard up\` again, which writes it anew.`)
  return { ...facts, file, baseUrl: facts.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '') }
}

/** `.switchyard/quickstart.json` of this folder or the nearest one above. */
export async function findFolder(cwd: string): Promise<FolderFacts | undefined> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const file = join(folder, '.switchyard', 'quickstart.json')
    try {
      return parse(file, await readFile(file, 'utf8'))
    } catch (error) {
      if (error instanceof Fault) throw error
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (code !== 'ENOENT' && code !== 'ENOTDIR')
        throw new Fault(
          'denied',
          `${file} may not be read by this user (${code}): log in, or ask who started it.`,
          {
            cause: error,
          },
        )
    }
    if (dirname(folder) === folder) return undefined
  }
}
