// What the gateway answers by itself: lists of models, each in the shape of the dialect that asks, and what Ollama's
// clients want to know of their server.
import {
  listModelsBody,
  modelBody,
  ollamaPsBody,
  ollamaShowBody,
  ollamaTagsBody,
  ollamaVersionBody,
  type PublicModel,
  readOllamaShow,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import { serverBody } from './oip.ts'
import type { Own } from './paths.ts'
import { callable, findRoute, mayCall, unknownModel } from './resolve.ts'
import type { Route } from './route.ts'
import type { Principal, Snapshot } from './snapshot.ts'

interface Asked {
  readonly body: Buffer
  /** Undefined for what needs no credential. */
  readonly principal: Principal | undefined
  readonly snapshot: Snapshot
  /** Milliseconds since 1970. */
  readonly now: number
  readonly version: string
  /** Nothing new is taken. */
  readonly stopping: boolean
}

interface Answer {
  readonly bytes: Buffer | string
  /** Content type; JSON where there is none. */
  readonly type?: string
}

/** How long Ollama's clients are told that a model stays loaded. */
const loadedMilliseconds = 300_000

const listed = ({ name, created, workspace }: Route): PublicModel => ({ name, created, owner: workspace })

/** `not_found` for a model that is not there or not the principal's. */
export function answerOwn(target: Own, asked: Asked): Answer {
  if (target.type === 'ollama') return answerOllama(target.what, asked)
  if (target.type === 'inference') return answerInference(target, asked)
  const { principal, snapshot } = asked
  const shape = target.caller === 'gemini' || target.caller === 'anthropic' ? target.caller : 'openai'
  if (!principal) throw new TypeError('lists need a principal')
  if (target.id === undefined)
    return { bytes: listModelsBody(shape, callable(principal, snapshot).map(listed)) }
  return { bytes: modelBody(shape, listed(one(target.id, principal, snapshot))) }
}

function one(name: string, principal: Principal, snapshot: Snapshot): Route {
  const route = findRoute(name, principal, snapshot)
  if (!route || !mayCall(principal, route.name)) throw unknownModel(name)
  return route
}

function answerInference(
  target: Extract<Own, { type: 'inference' }>,
  { principal, snapshot, version, stopping }: Asked,
): Answer {
  if (target.what === 'model_ready') {
    if (!principal) throw new TypeError('a model is one of a principal')
    const route = one(target.model, principal, snapshot)
    const able = route.tiers.some(({ upstreams }) => upstreams.some(({ paths }) => paths?.['oip.infer']))
    if (!able || route.paused) throw notReady(`The model '${route.name}' is not ready for inference.`)
    return { bytes: JSON.stringify({ name: target.model, ready: true }) }
  }
  if (target.what === 'server') return { bytes: serverBody(version) }
  if (target.what === 'live') return { bytes: '{"live":true}' }
  if (stopping) throw notReady('This gateway is stopping.')
  return { bytes: '{"ready":true}' }
}

const notReady = (message: string) => new Fault('unavailable', message, { reason: 'no_upstream' })

function answerOllama(what: Extract<Own, { type: 'ollama' }>['what'], asked: Asked): Answer {
  const { principal, snapshot, now, version, body } = asked
  if (what === 'root') return { bytes: 'Ollama is running', type: 'text/plain; charset=utf-8' }
  if (what === 'version') return { bytes: ollamaVersionBody(version) }
  if (!principal) throw new TypeError('lists need a principal')
  if (what === 'show') return { bytes: ollamaShowBody(one(readOllamaShow(body), principal, snapshot)) }
  const models = callable(principal, snapshot)
  if (what === 'tags') return { bytes: ollamaTagsBody(models) }
  return { bytes: ollamaPsBody(models, Math.floor((now + loadedMilliseconds) / 1000)) }
}
