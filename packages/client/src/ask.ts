// What is asked of the API, whoever carries it: undici here, the browser's own fetch in the console.

export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** Sends no credentials: signing in. */
  readonly anonymous?: boolean
  /** Longest silence inside a streamed body, milliseconds; 0 waits for ever. A browser has no such bound. */
  readonly silenceMs?: number
}

/** The path with what is asked of it; a member that is undefined is not asked. */
export function addressOf({ path, query = {} }: Pick<Ask, 'path' | 'query'>): string {
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)]],
  )
  if (given.length === 0) return path
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(given).toString()}`
}
