// The folder that `switchyard up` was started in: its facts log the command line in there.
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Fault } from '@switchyard/kinds/fault'
import type { Terminal } from '../terminal.ts'

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

/** Facts of the data folder that is named, else of `.switchyard` in this folder or the nearest one above. */
export async function findFolder({
  cwd,
  env,
}: Pick<Terminal, 'cwd' | 'env'>): Promise<FolderFacts | undefined> {
  if (env.SWITCHYARD_DATA) return readFacts(join(resolve(cwd, env.SWITCHYARD_DATA), 'quickstart.json'))
  for (let folder = cwd; ; folder = dirname(folder)) {
    const facts = await readFacts(join(folder, '.switchyard', 'quickstart.json'))
    if (facts) return facts
    if (dirname(folder) === folder) return undefined
  }
}

async function readFacts(file: string): Promise<FolderFacts | undefined> {
  try {
    return parse(file, await readFile(file, 'utf8'))
  } catch (error) {
    if (error instanceof Fault) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Fault(
      'denied',
      `${file} may not be read by this user (${code}): log in, or ask who started it.`,
      {
        cause: error,
      },
    )
  }
}
