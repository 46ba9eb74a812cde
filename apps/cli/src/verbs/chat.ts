// Talking to a model: one message, or a conversation at a terminal.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Client, createClient, type Turn } from '@switchyard/client'
import { Fault } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { readAll } from '../manifest/source.ts'
import { json } from '../output/formats.ts'
import { safe } from '../output/width.ts'

export interface ChatOptions {
  readonly system?: string
  readonly file?: string
  readonly json?: boolean
  readonly key?: string
}

async function fileText(cli: Cli, path: string): Promise<string> {
  try {
    return await readFile(resolve(cli.terminal.cwd, path), 'utf8')
  } catch (error) {
    throw new Fault(
      'invalid',
      `Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}.`,
      {
        cause: error,
      },
    )
  }
}

/** Prints the answer as it comes, and returns it whole. */
async function answer(
  cli: Cli,
  client: Client,
  model: string,
  turns: readonly Turn[],
  signal: AbortSignal,
): Promise<string> {
  const raw = !cli.terminal.stdout.isTTY
  let text = ''
  try {
    for await (const piece of client.chat(model, turns, signal)) {
      text += piece
      // Tabs and newlines stay; a model must not steer a person's terminal.
      cli.out(raw ? piece : safe(piece))
    }
  } finally {
    if (text !== '' && !text.endsWith('\n')) cli.out('\n')
  }
  return text
}

async function conversation(cli: Cli, client: Client, model: string, start: readonly Turn[]): Promise<void> {
  const { createInterface } = await import('node:readline/promises')
  const { stdin, stderr } = cli.terminal
  cli.note(`Talking to ${model}. /exit or Ctrl-D ends it.`)
  const reader = createInterface({ input: stdin, output: stderr, prompt: '> ' })
  let turn: AbortController | undefined
  let open = true
  // Ctrl-C stops the answer that is coming, or else the conversation.
  reader.on('SIGINT', () => (turn ? turn.abort() : reader.close()))
  reader.once('close', () => {
    open = false
  })
  let turns = start
  try {
    reader.prompt()
    for await (const line of reader) {
      const said = line.trim()
      if (said === '/exit' || said === '/quit') return
      if (said !== '') {
        const asked: readonly Turn[] = [...turns, { role: 'user', content: said }]
        turn = new AbortController()
        try {
          const signal = AbortSignal.any([cli.signal, turn.signal])
          turns = [...asked, { role: 'assistant', content: await answer(cli, client, model, asked, signal) }]
        } catch (error) {
          if (!(error instanceof Fault) || cli.signal.aborted) throw error
          cli.note(`${error.code}: ${error.message}`) // the conversation goes on as if it had not been said
        }
        turn = undefined
      }
      if (open) reader.prompt()
    }
  } finally {
    reader.close()
  }
}

export async function chat(
  cli: Cli,
  named: string | undefined,
  words: readonly string[],
  options: ChatOptions,
): Promise<void> {
  const target = await cli.target()
  const model = named ?? target.model
  if (model === undefined)
    throw new Fault('invalid', 'Name a model: `switchyard get endpoints` lists what can be called.')
  const key = options.key ?? target.apiKey
  if (key === undefined)
    throw new Fault(
      'unauthenticated',
      'Calls of models need an API key: --key, SWITCHYARD_API_KEY, or `switchyard context set NAME --key-stdin`. `switchyard keys create` makes one.',
      { reason: 'no_key' },
    )
  const { stdin } = cli.terminal
  const typed = words.join(' ')
  const piped = typed === '' && stdin.isTTY !== true ? (await readAll(stdin, cli.signal)).trim() : ''
  const file = options.file === undefined ? '' : await fileText(cli, options.file)
  const message = [file, typed || piped].filter(Boolean).join('\n\n')
  const system: readonly Turn[] =
    options.system === undefined ? [] : [{ role: 'system', content: options.system }]

  // Answers may take long to begin: a model that was idle is loaded first.
  const timeoutMs = (cli.flags.timeout ?? 600) * 1000
  await using client = createClient({ url: target.url, token: () => key, signal: cli.signal, timeoutMs })
  if (message === '') {
    if (!cli.interactive)
      throw new Fault('invalid', 'There is no message: write one after the model, or pipe it in.')
    return await conversation(cli, client, model, system)
  }
  const turns: readonly Turn[] = [...system, { role: 'user', content: message }]
  if (options.json || cli.flags.output === 'json')
    cli.out(json(await client.complete(model, turns, cli.signal)))
  else await answer(cli, client, model, turns, cli.signal)
}
