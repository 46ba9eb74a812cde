// What an upstream says of a request that it refuses, whatever it was asked for.
import type { Reply, Speech } from './carriage.ts'
import { errorOf } from './heard.ts'
import { upstreamPort } from './speech.ts'

const nothing = Buffer.alloc(0)

/** The reply that is an error in the upstream's dialect; undefined when it is none. */
export function readErrorReply(body: Buffer, to: Speech): Reply | undefined {
  const [fault] = upstreamPort(to).readReply(body) ?? []
  if (fault?.type !== 'fault') return undefined
  return { bytes: nothing, usage: undefined, error: errorOf(fault) }
}
