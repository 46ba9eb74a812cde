// An archive by what a person names it: a folder, or a URL.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openObjects } from '@switchyard/drivers/objects/open'
import type { Cli } from './cli.ts'

export function openArchive(cli: Cli, place: string): ReturnType<typeof openObjects> {
  const url = /^(file|s3):\/\//.test(place) ? place : pathToFileURL(resolve(cli.terminal.cwd, place)).href
  return openObjects(url, { environment: cli.terminal.env })
}
