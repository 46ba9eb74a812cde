// The token of a request: fixed, or of a saved session that is refreshed before it ends.
import { createClient } from '@switchyard/client'
import { Fault } from '@switchyard/kinds/fault'
import type { Target } from './choose.ts'
import { changeConfig, readConfig, type SavedSession, withContext } from './config.ts'

/** A token with less than this left is replaced before it is used, ms. */
const earlyMs = 30_000

export const savedSession = (
  session: {
    readonly accessToken: string
    readonly expiresInSeconds: number
    readonly refreshToken?: string
  },
  previous: string | undefined,
  now: Date,
): SavedSession => ({
  accessToken: session.accessToken,
  refreshToken: session.refreshToken ?? previous ?? '',
  expiresAt: new Date(now.getTime() + session.expiresInSeconds * 1000).toISOString(),
})

const fresh = ({ expiresAt }: SavedSession, now: Date) =>
  new Date(expiresAt).getTime() - earlyMs > now.getTime()

function endedSession(context: string, cause: unknown): Fault {
  return new Fault(
    'unauthenticated',
    `The session of context ${context} has ended: \`switchyard login\` again.`,
    {
      reason: 'session_ended',
      cause,
    },
  )
}

/** A refresh token is used once: the file is locked while it is exchanged, so that two programs don't. */
async function refresh(
  file: string,
  name: string,
  now: () => Date,
  signal: AbortSignal,
): Promise<SavedSession> {
  const { contexts } = await changeConfig(file, async config => {
    const saved = config.contexts[name]
    const session = saved?.session
    if (!saved || !session) throw endedSession(name, undefined)
    if (fresh(session, now())) return config // another program was quicker
    await using client = createClient({ url: saved.url, token: () => '', signal, timeoutMs: 10_000 })
    try {
      const next = savedSession(await client.refresh(session.refreshToken), session.refreshToken, now())
      return withContext(config, name, { ...saved, session: next })
    } catch (error) {
      throw error instanceof Fault && error.code === 'unauthenticated' ? endedSession(name, error) : error
    }
  })
  const session = contexts[name]?.session
  if (!session) throw endedSession(name, undefined)
  return session
}

export function tokenOf(
  { credentials }: Target,
  file: string,
  now: () => Date,
  signal: AbortSignal,
): () => string | Promise<string> {
  if (credentials.type === 'none') return () => ''
  if (credentials.type === 'token') return () => credentials.token
  let session: SavedSession | undefined
  return async () => {
    session ??= (await readConfig(file)).contexts[credentials.context]?.session
    if (!session || !fresh(session, now())) session = await refresh(file, credentials.context, now, signal)
    return session.accessToken
  }
}
