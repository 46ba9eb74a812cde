// What is kept here is not to be kept by an upstream too.
import type { Conversation, Speech } from '@switchyard/dialects'

/** The conversation as an upstream is asked it: told not to keep the answer where its dialect has a word for that. */
export function keptHere(conversation: Conversation, { dialect }: Speech): Conversation {
  const { store: _store, ...rest } = conversation.rest
  return { ...conversation, rest: dialect === 'responses' ? { ...rest, store: 'false' } : rest }
}
