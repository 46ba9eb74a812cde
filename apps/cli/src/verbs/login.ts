// Signing in and out: the session is kept in the config file, the password nowhere.
import { type Client, createClient } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { readAll } from '../manifest/source.ts'
import { findTarget } from '../target/choose.ts'
import { changeConfig, configFile, readConfig, type SavedContext, withContext } from '../target/config.ts'
import { savedSession } from '../target/credentials.ts'
import { askHidden } from './hidden.ts'

export interface LoginOptions {
  readonly email?: string
  readonly passwordStdin?: boolean
  readonly tokenStdin?: boolean
  /** Name of the provider, or true for the only one. */
  readonly sso?: string | true
  readonly name?: string
}

async function addressOf(cli: Cli, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    const url = /^https?:\/\//.test(given) ? given : `https://${given}`
    if (!URL.canParse(url))
      throw new Fault('invalid', `${given} is no address: use https://HOST or http://HOST:PORT.`)
    return url.replace(/\/+$/, '')
  }
  const target = await findTarget(cli.terminal, cli.flags)
  if (target) return target.url
  throw new Fault('invalid', 'Say where to sign in: `switchyard login https://HOST --email YOU@…`.')
}

const firstLine = (text: string) => text.replace(/\r?\n[\s\S]*$/, '')

async function passwordOf(cli: Cli, email: string, options: LoginOptions): Promise<string> {
  if (options.passwordStdin) return firstLine(await readAll(cli.terminal.stdin, cli.signal))
  if (!cli.interactive)
    throw new Fault(
      'invalid',
      'Nobody is at a terminal to type a password: use --password-stdin or --token-stdin.',
    )
  return askHidden(cli.terminal, `Password of ${email}: `, cli.signal)
}

/** The workspace that commands look into: as asked, else `default`, else the first one with any right. */
async function workspaceOf(cli: Cli, client: Client): Promise<{ workspace: string; principal: string }> {
  const { principal, workspace, grants } = await client.whoami()
  const anywhere = grants.some(grant => grant.workspace === null || grant.workspace === 'default')
  const first = grants.find(grant => grant.workspace !== null)?.workspace
  const chosen = cli.flags.workspace ?? workspace ?? (anywhere ? 'default' : (first ?? 'default'))
  return { workspace: chosen, principal }
}

export async function login(cli: Cli, given: string | undefined, options: LoginOptions): Promise<void> {
  const { email, passwordStdin, tokenStdin, sso } = options
  if ([passwordStdin, tokenStdin, sso].filter(Boolean).length > 1)
    throw new Fault('invalid', 'Give one of --password-stdin, --token-stdin and --sso.')
  if (!tokenStdin && !sso && email === undefined)
    throw new Fault('invalid', 'Say who signs in: --email YOU@…, --sso, or --token-stdin with a token.')
  const url = await addressOf(cli, given)
  const name = options.name ?? new URL(url).host.replace(':', '-')
  const { terminal, signal } = cli

  let saved: SavedContext
  let token: string
  if (tokenStdin) {
    token = firstLine(await readAll(terminal.stdin, signal)).trim()
    if (token === '') throw new Fault('invalid', 'Standard input held no token.')
    saved = { url, token }
  } else if (sso) {
    await using anonymous = createClient({ url, token: () => '', signal })
    const { signInByBrowser } = await import('./login-sso.ts')
    const session = await signInByBrowser(cli, anonymous, sso === true ? undefined : sso)
    token = session.accessToken
    saved = { url, session: savedSession(session, undefined, terminal.now()) }
  } else {
    const address = email ?? ''
    const password = await passwordOf(cli, address, options)
    await using anonymous = createClient({ url, token: () => '', signal })
    const session = await anonymous.login(address, password)
    token = session.accessToken
    saved = { url, email: address, session: savedSession(session, undefined, terminal.now()) }
  }
  await using client = createClient({ url, token: () => token, signal })
  const { workspace, principal } = await workspaceOf(cli, client)
  const file = configFile(terminal)
  await changeConfig(file, config => ({
    ...withContext(config, name, { ...saved, workspace }),
    current: name,
  }))
  cli.note(
    `Signed in to ${url} as ${principal}, workspace ${workspace}. Context ${name} is the current one (${file}).`,
  )
}

export async function logout(cli: Cli): Promise<void> {
  const file = configFile(cli.terminal)
  const config = await readConfig(file)
  const name = cli.flags.context ?? config.current
  const saved = name === undefined ? undefined : config.contexts[name]
  if (name === undefined || !saved)
    throw new Fault(
      'invalid',
      'There is no context to sign out of. A folder of `switchyard up` ends with `switchyard down`.',
    )
  if (saved.session) {
    const { accessToken } = saved.session
    await using client = createClient({ url: saved.url, token: () => accessToken, signal: cli.signal })
    try {
      await client.logout()
    } catch (error) {
      // Tokens are forgotten all the same; an ended session is what was wanted.
      if (!(error instanceof Fault)) throw error
      if (error.code !== 'unauthenticated')
        cli.note(`The server was not told (${error.message}); the session ends there by itself.`)
    }
  }
  await changeConfig(file, latest => {
    const { session: _, token: __, ...rest } = latest.contexts[name] ?? saved
    return withContext(latest, name, rest)
  })
  cli.note(`Signed out of ${saved.url}.`)
}
