// Ollama's own API as a port: /api/chat, and /api/generate for the callers that use it.
import type { ChatPort } from '../dialect.ts'
import { errorBody } from './error.ts'
import { chatForm, type Form, generateForm } from './form.ts'
import { readAsk, readGenerate, writeAsk } from './request.ts'
import { readReply, writeReply } from './response.ts'
import { OllamaDecoder, OllamaEncoder } from './stream.ts'

export {
  type ListedModel,
  type Load,
  loadBody,
  psBody,
  readLoad,
  readShow,
  sameModel,
  showBody,
  tagsBody,
  versionBody,
} from './models.ts'

function port(read: ChatPort['readAsk'], form: Form): ChatPort {
  return {
    name: 'ollama',
    readAsk: read,
    writeAsk,
    readReply,
    writeReply: (deltas, about) => writeReply(deltas, about, form),
    decoder: () => new OllamaDecoder(),
    encoder: about => new OllamaEncoder(about, form),
    errorBody,
  }
}

export const ollama: ChatPort = port(readAsk, chatForm)
export const ollamaGenerate: ChatPort = port(readGenerate, generateForm)
