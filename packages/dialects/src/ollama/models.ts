// Bodies of Ollama's lists, from models as Switchyard knows them; and the requests that only load a model.
import { createHash } from 'node:crypto'
import { Fields } from '../fields.ts'
import { type Json, writeJson } from '../raw.ts'
import { chatForm, type Form, generateForm } from './form.ts'

export interface ListedModel {
  /** Public name. */
  readonly name: string
  /** Whole seconds since 1970. */
  readonly created: number
  readonly sizeBytes?: number
  /** 64 hexadecimal digits; made of the name where there is none. */
  readonly digest?: string
  readonly format?: string
  readonly family?: string
  /** Such as `7.6B`. */
  readonly parameters?: string
  /** Such as `Q4_K_M`. */
  readonly quantization?: string
  /** Tokens. */
  readonly contextLength?: number
  /** Such as `completion`, `tools`, `vision`, `thinking`, `embedding`. */
  readonly capabilities?: readonly string[]
}

const latest = ':latest'

/** Whether two names are of one model: `:latest` may be left out. */
export function sameModel(one: string, other: string): boolean {
  const plain = (name: string) => (name.endsWith(latest) ? name.slice(0, -latest.length) : name)
  return plain(one) === plain(other)
}

const time = (seconds: number): string => new Date(seconds * 1000).toISOString()

function details({ format, family, parameters, quantization }: ListedModel): Json {
  return {
    parent_model: '',
    format: format ?? '',
    family: family ?? '',
    families: family === undefined ? [] : [family],
    parameter_size: parameters ?? '',
    quantization_level: quantization ?? '',
  }
}

function entry(model: ListedModel): Record<string, Json> {
  return {
    name: model.name,
    model: model.name,
    size: model.sizeBytes ?? 0,
    digest: model.digest ?? createHash('sha256').update(model.name).digest('hex'),
    details: details(model),
  }
}

const bytes = (value: Json): Buffer => Buffer.from(writeJson(value))

/** `GET /api/tags`. */
export function tagsBody(models: readonly ListedModel[]): Buffer {
  return bytes({ models: models.map(model => ({ ...entry(model), modified_at: time(model.created) })) })
}

/** `GET /api/ps`: models that are loaded. `expires` is when they would be unloaded, in seconds since 1970. */
export function psBody(models: readonly ListedModel[], expires: number): Buffer {
  const loaded = models.map(model => ({
    ...entry(model),
    expires_at: time(expires),
    size_vram: model.sizeBytes ?? 0,
    context_length: model.contextLength,
  }))
  return bytes({ models: loaded })
}

/** `POST /api/show`. */
export function showBody(model: ListedModel): Buffer {
  const { family, contextLength } = model
  return bytes({
    modelfile: `FROM ${model.name}\n`,
    parameters: '',
    template: '',
    details: details(model),
    model_info: {
      'general.architecture': family,
      ...(family !== undefined && { [`${family}.context_length`]: contextLength }),
    },
    capabilities: model.capabilities ?? ['completion'],
    modified_at: time(model.created),
  })
}

/** The name in a body of `POST /api/show`: older clients call it `name`. */
export function readShow(body: Buffer): string {
  const ask = Fields.body(body)
  return ask.needs('model', ask.string('model') || ask.string('name') || undefined)
}

/** `GET /api/version`. */
export function versionBody(version: string): Buffer {
  return bytes({ version })
}

/** A request that asks for no answer: it loads a model, or with `keep_alive: 0` unloads it. */
export interface Load {
  readonly model: string
  readonly unload: boolean
}

const forms = { chat: chatForm, generate: generateForm } as const satisfies Record<string, Form>

/** Undefined when the body asks for an answer. */
export function readLoad(body: Buffer, operation: keyof typeof forms): Load | undefined {
  const ask = Fields.body(body)
  const silent =
    operation === 'chat'
      ? (ask.array('messages') ?? []).length === 0
      : !ask.string('prompt') && (ask.array('images') ?? []).length === 0
  if (!silent) return undefined
  const model = ask.needs('model', ask.string('model') || undefined)
  return { model, unload: /^(0|"0[a-z]*")$/.test(ask.raw('keep_alive')?.text ?? '') }
}

/** The one object that answers it, streamed or not. */
export function loadBody({ model, unload }: Load, created: number, operation: keyof typeof forms): Buffer {
  const said = forms[operation]({ text: '' })
  return bytes({
    model,
    created_at: time(created),
    ...said,
    done: true,
    done_reason: unload ? 'unload' : 'load',
  })
}
