// Saved contexts: list, show, use, set, delete.
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { readAll } from '../manifest/source.ts'
import { json, yaml } from '../output/formats.ts'
import { table } from '../output/table.ts'
import { changeConfig, configFile, readConfig, type SavedContext, withContext } from '../target/config.ts'

const signedIn = ({ session, token, email }: SavedContext) =>
  session ? (email ?? 'yes') : token ? 'by token' : 'no'

async function printData(cli: Cli, value: unknown): Promise<void> {
  cli.out(cli.flags.output === 'yaml' ? await yaml([value]) : json(value))
}

/** Without tokens: those are for the file alone. */
export async function list(cli: Cli): Promise<void> {
  const { current, contexts } = await readConfig(configFile(cli.terminal))
  const { output, headers } = cli.flags
  const rows = Object.entries(contexts).map(([name, saved]) => ({
    name,
    current: name === current,
    url: saved.url,
    workspace: saved.workspace ?? 'default',
    signedIn: signedIn(saved),
  }))
  if (output === 'json' || output === 'yaml') return printData(cli, rows)
  if (output === 'name') return cli.out(rows.map(({ name }) => `${name}\n`).join(''))
  if (rows.length === 0)
    return cli.note('No context is saved: `switchyard login URL --email YOU@…` makes one.')
  const titles = ['CURRENT', 'NAME', 'URL', 'WORKSPACE', 'SIGNED IN'].map(title => ({ title }))
  const cells = rows.map(row => [row.current ? '*' : '', row.name, row.url, row.workspace, row.signedIn])
  cli.out(table(titles, cells, { headers, paintHeader: cli.colors.bold }).text)
}

export async function show(cli: Cli): Promise<void> {
  const { url, workspace, chosenBy, credentials, apiKey } = await cli.target()
  const facts = {
    url,
    workspace,
    chosenBy,
    credentials: credentials.type,
    chatKey: apiKey === undefined ? 'none' : `…${apiKey.slice(-4)}`,
  }
  if (cli.flags.output === 'json' || cli.flags.output === 'yaml') return printData(cli, facts)
  cli.out(
    table(
      [{ title: '' }, { title: '' }],
      Object.entries({
        Server: url,
        Workspace: workspace,
        'Chosen by': chosenBy,
        Credentials: facts.credentials,
        'Key for chat': facts.chatKey,
      }),
      { headers: false },
    ).text,
  )
}

function known(contexts: Readonly<Record<string, SavedContext>>, name: string): SavedContext {
  const saved = contexts[name]
  if (saved) return saved
  const names = Object.keys(contexts).join(', ') || 'none yet'
  throw new Fault('not_found', `There is no context ${name}; there are: ${names}.`)
}

export async function use(cli: Cli, name: string): Promise<void> {
  const { contexts } = await changeConfig(configFile(cli.terminal), config => {
    known(config.contexts, name)
    return { ...config, current: name }
  })
  cli.note(`Context ${name} is the current one: ${contexts[name]?.url}.`)
}

export async function set(
  cli: Cli,
  name: string,
  { url, keyStdin }: { readonly url?: string; readonly keyStdin?: boolean },
): Promise<void> {
  const { workspace } = cli.flags
  const apiKey = keyStdin ? (await readAll(cli.terminal.stdin, cli.signal)).trim() : undefined
  if (url !== undefined && !(/^https?:\/\//.test(url) && URL.canParse(url)))
    throw new Fault('invalid', `${url} is no address: use https://HOST or http://HOST:PORT.`)
  await changeConfig(configFile(cli.terminal), config => {
    const before = config.contexts[name]
    const address = url ?? before?.url
    if (address === undefined) throw new Fault('invalid', `Context ${name} is new: add --url https://HOST.`)
    // Tokens belong to the server they came from; another address starts without them.
    const kept = before && before.url === address ? before : {}
    const changed = { ...kept, url: address, ...(workspace && { workspace }), ...(apiKey && { apiKey }) }
    return withContext(config, name, changed)
  })
  cli.note(`Context ${name} is saved.`)
}

export async function remove(cli: Cli, name: string): Promise<void> {
  const file = configFile(cli.terminal)
  known((await readConfig(file)).contexts, name)
  await cli.confirm(`Forget context ${name} and its tokens?`)
  await changeConfig(file, config => {
    const { current, ...rest } = withContext(config, name, undefined)
    return current === name || current === undefined ? rest : { ...rest, current }
  })
  cli.note(`Context ${name} is forgotten.`)
}
