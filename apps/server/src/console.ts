// The built console, read once: its page, and its files as they are and compressed.
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { ConsoleAsset, ConsoleFiles } from '@switchyard/api'

/** Where `npm run build` of the console puts it. */
const built = fileURLToPath(new URL('../../console/dist/', import.meta.url))

/** What the build writes where a nonce belongs. */
const placeholder = '__NONCE__'

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
}

/** Undefined where it is not built. */
export async function openConsole(folder = built): Promise<ConsoleFiles | undefined> {
  const page = await readFile(join(folder, 'index.html'), 'utf8').catch(absent)
  if (page === undefined) return undefined
  const assets = new Map<string, ConsoleAsset>()
  for (const name of await readdir(join(folder, 'assets')))
    assets.set(name, await assetOf(name, await readFile(join(folder, 'assets', name))))
  return { page: nonce => page.replaceAll(placeholder, nonce), asset: name => assets.get(name) }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

async function assetOf(name: string, bytes: Buffer): Promise<ConsoleAsset> {
  const type = types[extname(name)] ?? 'application/octet-stream'
  const [brotli, gzipped] = await Promise.all([
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }),
    promisify(gzip)(bytes),
  ])
  return {
    type,
    bytes,
    ...(brotli.length < bytes.length && { brotli }),
    ...(gzipped.length < bytes.length && { gzip: gzipped }),
  }
}
