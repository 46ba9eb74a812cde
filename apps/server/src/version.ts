// The version of this program, from the package that it is published in.
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string
} // our own file

export const version = manifest.version
