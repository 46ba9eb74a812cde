// The examples of a client's own README as a new user takes them over: base URL and key are changed, and nothing else.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { snippets } from './clients.ts'
import { eventually, type Yard } from './yard.ts'

export interface Place {
  readonly url: string
  readonly key: string
}

export interface Example {
  /** The package whose README it is. */
  readonly of: string
  /** What tells its block from those before it; of several blocks that belong together, each in turn. */
  readonly plain: string | readonly string[]
  /** The same of the first one that streams; where the README has none, the plain one is made to by `streamed`. */
  readonly stream?: string | readonly string[]
  /** For clients that read both from the environment: their code stands as it is. */
  env?(place: Place): Readonly<Record<string, string>>
  /** For the others. */
  change?(code: string, place: Place): string
  streamed?(code: string): string
}

/** The program of an example; throws where the README does not show it any more. */
export function programOf(example: Example, readme: string, place: Place, streamed: boolean): string {
  const { of, plain, stream, change } = example
  const fences = /^```(?:ts|js|typescript|javascript|python)\n([\s\S]*?)^```/gm
  const blocks = [...readme.matchAll(fences)].map(([, code = '']) => code)
  const shown = [(streamed && stream) || plain].flat().map(mark => {
    const found = blocks.find(code => code.includes(mark))
    if (found === undefined) throw new Error(`the README of ${of} shows no ${mark}`)
    return found
  })
  const code = shown.join('\n')
  const asked = streamed && stream === undefined ? example.streamed?.(code) : code
  const program = asked === undefined ? undefined : (change?.(asked, place) ?? asked)
  if (program === undefined || (streamed && stream === undefined && asked === code))
    throw new Error(`the README of ${of} streams nothing`)
  if (change && program === asked) throw new Error(`nothing of the README of ${of} was changed`)
  return program
}

/** Lets the yard's model answer to the vendors' names, by what the page for users says to apply. */
export async function lendNames(yard: Yard): Promise<void> {
  const route = snippets('yaml').find(({ text }) => text.includes('kind: Route'))
  const file = join(yard.folder, 'vendors.yaml')
  writeFileSync(file, route?.text ?? '')
  const { code, stderr } = await yard.run('apply', '-f', file)
  if (code !== 0) throw new Error(stderr)
  await eventually('a name of theirs to be known', 10, () =>
    yard
      .openai()
      .models.retrieve('gpt-5.5')
      .catch(() => undefined),
  )
}

/** Lets the yard lead to a server of tools as the page for users says to apply it. */
export async function lendTools(yard: Yard, url: string): Promise<void> {
  const shown = snippets('yaml').find(({ text }) => text.includes('kind: McpServer'))
  const file = join(yard.folder, 'tools.yaml')
  writeFileSync(file, shown?.text.replace('http://127.0.0.1:8000/mcp', url) ?? '')
  const { code, stderr } = await yard.run('apply', '-f', file)
  if (code !== 0) throw new Error(stderr)
  const headers = {
    authorization: `Bearer ${yard.facts.apiKey}`,
    accept: 'application/json, text/event-stream',
  }
  await eventually('the server of tools to be known', 10, async () => {
    const { status } = await fetch(`${yard.facts.baseUrl}/mcp/demo`, { method: 'DELETE', headers })
    return status === 404 ? undefined : true
  })
}
