// Callers of large bodies and the upstream that they reach, in a process of their own: what they do must not count as
// the gateway's.
import { digest, imageBody } from './image.ts'
import { ScriptedUpstream } from './upstream.ts'

export interface Order {
  readonly url: string
  readonly key: string
  readonly model: string
  readonly callers: number
}

export interface Passed {
  readonly statuses: readonly number[]
  /** Of the bodies that the upstream was given. */
  readonly digests: readonly string[]
  /** Of the source of the image in them, where they are of Anthropic's form. */
  readonly sources: readonly string[]
}

interface Asked {
  readonly messages: readonly { readonly content: readonly { readonly source?: object }[] }[]
}

const engine = await ScriptedUpstream.start()

async function pass({ url, key, model, callers }: Order): Promise<Passed> {
  const body = new Uint8Array(imageBody(model))
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  engine.seen.length = 0
  const answers = await Promise.all(
    Array.from({ length: callers }, async () => {
      const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body })
      await answer.text()
      return answer.status
    }),
  )
  const sources = engine.seen.map(({ body: sent }) => {
    const { messages } = JSON.parse(sent.toString()) as Asked // the image's own form
    return digest(JSON.stringify(messages[0]?.content[1]?.source ?? null))
  })
  return { statuses: answers, digests: engine.seen.map(({ body: sent }) => digest(sent)), sources }
}

process.on('message', (order: Order) => void pass(order).then(passed => process.send?.(passed)))
process.on('disconnect', () => process.exit())
process.send?.(engine.url())
