// A whole answer of Ollama <-> deltas.
import type { Delta } from '../conversation.ts'
import type { About } from '../dialect.ts'
import { type FoldedChoice, fold } from '../fold.ts'
import { writeLogprobs } from '../logprobs.ts'
import { refuseMedia } from '../media.ts'
import { writeJson } from '../raw.ts'
import { Answer, doneReason } from './answer.ts'
import { withheld } from './error.ts'
import { type Form, headOf } from './form.ts'
import { writeCall } from './messages.ts'
import { writeCounts } from './usage.ts'

export function readReply(body: Buffer): readonly Delta[] | undefined {
  const out: Delta[] = []
  const answer = new Answer()
  return answer.read(out, body) && answer.over ? out : undefined
}

export function writeReply(deltas: readonly Delta[], about: About, form: Form): Buffer {
  refuseMedia(deltas)
  const { choices, usage, took } = fold(deltas)
  const { parts, stop }: Pick<FoldedChoice, 'parts' | 'stop'> = choices[0] ?? { parts: [], stop: 'end' }
  const scores = choices[0]?.logprobs
  const tokens = scores ? [...scores.text, ...scores.refusal] : []
  const reason = doneReason[stop]
  if (reason === undefined) throw withheld()
  const text = parts.flatMap(part => (part.type === 'text' || part.type === 'refusal' ? [part.text] : []))
  const thinking = parts.flatMap(part => (part.type === 'reasoning' ? [part.text ?? ''] : [])).join('')
  const calls = parts.filter(part => part.type === 'toolCall').map(writeCall)
  const body = {
    ...headOf(about),
    ...form({
      text: text.join(''),
      thinking: thinking || undefined,
      calls: calls.length > 0 ? calls : undefined,
    }),
    logprobs: tokens.length > 0 ? writeLogprobs(tokens) : undefined,
    done: true,
    done_reason: reason,
    ...writeCounts(usage, took),
  }
  return Buffer.from(writeJson(body))
}
