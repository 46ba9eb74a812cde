// The newest lines of logs, in blocks: what is whole never changes again, so it is drawn once.

export interface LogLine {
  readonly replica: string
  readonly at?: string
  readonly text: string
}

export interface Block {
  readonly number: number
  readonly lines: readonly LogLine[]
}

const perBlock = 100
export const mostLines = 5000

/** The oldest blocks go where there are more lines than are kept. */
export function appended(blocks: readonly Block[], lines: readonly LogLine[]): readonly Block[] {
  const whole = [...blocks]
  let rest = lines
  const last = whole.at(-1)
  if (last && last.lines.length < perBlock) {
    const room = perBlock - last.lines.length
    whole[whole.length - 1] = { number: last.number, lines: [...last.lines, ...rest.slice(0, room)] }
    rest = rest.slice(room)
  }
  for (let at = 0; at < rest.length; at += perBlock)
    whole.push({ number: (whole.at(-1)?.number ?? -1) + 1, lines: rest.slice(at, at + perBlock) })
  return whole.slice(-mostLines / perBlock)
}

/** Lines of JSON out of bytes that break anywhere. */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly LogLine[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    if (parts.length > 0) yield parts.map(part => JSON.parse(part) as LogLine) // as the API writes them
  }
}

/** Those that were not there before a stream was opened again: by the time of the newest of their replica. */
export function unseen(lines: readonly LogLine[], newest: Map<string, string>): readonly LogLine[] {
  return lines.filter(({ at, replica }) => at === undefined || at > (newest.get(replica) ?? ''))
}
