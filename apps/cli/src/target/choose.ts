// Which server a command speaks to, and as whom: flag, then environment, then folder, then current context.
import { Fault } from '@switchyard/kinds/fault'
import type { Terminal } from '../terminal.ts'
import { type Config, configFile, readConfig, type SavedContext } from './config.ts'
import { type FolderFacts, findFolder } from './quickstart.ts'

export interface Target {
  readonly url: string
  readonly workspace: string
  /** Who chose the server, as a person would say it. */
  readonly chosenBy: string
  /** A token to send as it is, or the saved context whose session is to be used. */
  readonly credentials:
    | { readonly type: 'token'; readonly token: string }
    | { readonly type: 'session'; readonly context: string }
    | { readonly type: 'none' }
  /** API key for calls of models. */
  readonly apiKey?: string
  /** Model that a chat is meant for when none is named. */
  readonly model?: string
}

export interface Choice {
  readonly context?: string | undefined
  readonly workspace?: string | undefined
}

type Found = Omit<Target, 'workspace'> & { readonly workspace: string | undefined }

function fromContext(name: string, saved: SavedContext, chosenBy: string): Found {
  const { url, workspace, session, token, apiKey } = saved
  return {
    url,
    workspace,
    chosenBy,
    credentials: token
      ? { type: 'token', token }
      : session
        ? { type: 'session', context: name }
        : { type: 'none' },
    ...(apiKey && { apiKey }),
  }
}

function fromFolder({ file, baseUrl, workspace, adminToken, apiKey, model }: FolderFacts): Found {
  return {
    url: baseUrl,
    workspace,
    chosenBy: file,
    credentials: adminToken ? { type: 'token', token: adminToken } : { type: 'none' },
    ...(apiKey && { apiKey }),
    ...(model && { model }),
  }
}

const same = (a: string, b: string) => a.replace(/\/+$/, '') === b.replace(/\/+$/, '')

function fromCurrent({ current, contexts }: Config): Found | undefined {
  const saved = current === undefined ? undefined : contexts[current]
  return saved && current !== undefined ? fromContext(current, saved, `context ${current}`) : undefined
}

/** SWITCHYARD_URL; credentials that are known for the very same address are used with it. */
function fromUrl(url: string, folder: FolderFacts | undefined, config: Config): Found {
  const chosenBy = 'SWITCHYARD_URL'
  if (folder && same(folder.baseUrl, url)) return { ...fromFolder(folder), chosenBy }
  const saved = Object.entries(config.contexts).find(([, context]) => same(context.url, url))
  if (saved) return fromContext(saved[0], saved[1], chosenBy)
  return { url, workspace: undefined, chosenBy, credentials: { type: 'none' } }
}

async function find(terminal: Terminal, { context }: Choice): Promise<Found | undefined> {
  const { env } = terminal
  if (context !== undefined) {
    const { contexts } = await readConfig(configFile(terminal))
    const saved = contexts[context]
    if (saved) return fromContext(context, saved, `--context ${context}`)
    const known = Object.keys(contexts).join(', ') || 'none yet: `switchyard login URL` makes one'
    throw new Fault('invalid', `There is no context ${context}; there are: ${known}.`)
  }
  const token = env.SWITCHYARD_TOKEN
  if (env.SWITCHYARD_URL) {
    const url = env.SWITCHYARD_URL
    // The token decides alone when it is given: nothing of folder or contexts need be readable.
    if (token)
      return { url, workspace: undefined, chosenBy: 'SWITCHYARD_URL', credentials: { type: 'token', token } }
    return fromUrl(url, await findFolder(terminal), await readConfig(configFile(terminal)))
  }
  const folder = await findFolder(terminal)
  const found = folder ? fromFolder(folder) : fromCurrent(await readConfig(configFile(terminal)))
  return found && token ? { ...found, credentials: { type: 'token', token } } : found
}

/** Undefined when nothing chooses a server. */
export async function findTarget(terminal: Terminal, choice: Choice): Promise<Target | undefined> {
  const found = await find(terminal, choice)
  if (!found) return undefined
  const { SWITCHYARD_WORKSPACE, SWITCHYARD_API_KEY } = terminal.env
  const apiKey = SWITCHYARD_API_KEY || found.apiKey
  return {
    ...found,
    workspace: choice.workspace ?? (SWITCHYARD_WORKSPACE || found.workspace || 'default'),
    ...(apiKey && { apiKey }),
  }
}

export async function chooseTarget(terminal: Terminal, choice: Choice): Promise<Target> {
  const target = await findTarget(terminal, choice)
  if (target) return target
  throw new Fault(
    'invalid',
    'No server is chosen. `switchyard up` starts one here; `switchyard login URL --email YOU@…` signs in to another.',
    { reason: 'no_context' },
  )
}
