// The surface that is llama-server's own: health, metrics, properties, slots, tokens.
import { z } from 'zod'
import type { Engine } from './engine.ts'
import type { Flags } from './flags.ts'
import { exposition } from './metrics.ts'
import type { Token } from './model.ts'
import { notOffered, parseBody } from './openai/errors.ts'
import { refuseOversize, vocabularyTokens } from './openai/input.ts'
import type { Reply } from './reply.ts'

type Route = (engine: Engine, body: unknown, reply: Reply, flags: Flags) => void

export const health: Route = (_engine, _body, reply) => reply.json(200, { status: 'ok' })

export const metrics: Route = ({ machine, state }, _body, reply, flags) => {
  if (!flags.metrics) throw notOffered('metrics endpoint', 'with `--metrics`')
  reply.text(exposition(machine.meter.counts, state()), 'text/plain; version=0.0.4')
}

export const props: Route = ({ machine: { model }, name, slots }, _body, reply) =>
  reply.json(200, {
    default_generation_settings: {
      n_ctx: model.slotContext,
      params: { temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05, n_predict: -1 },
    },
    total_slots: slots.all.length,
    model_alias: name,
    model_path: model.path,
    chat_template: model.template ?? '',
    bos_token: model.bos.text,
    eos_token: model.eosText,
    modalities: { vision: false, audio: false },
    build_info: 'switchyard-engine',
  })

export const slots: Route = (engine, _body, reply, flags) => {
  if (!flags.slots) throw notOffered('slots endpoint', 'with `--slots`')
  const { model } = engine.machine
  reply.json(
    200,
    engine.slots.all.map(({ id, busy, seat }) => ({
      id,
      n_ctx: model.slotContext,
      is_processing: busy,
      n_past: seat.nextTokenIndex,
    })),
  )
}

export const models: Route = ({ machine: { model }, name, startedAt }, _body, reply) =>
  reply.json(200, {
    object: 'list',
    data: [
      {
        id: name,
        object: 'model',
        created: startedAt,
        owned_by: 'switchyard',
        meta: {
          n_vocab: model.vocabulary,
          n_ctx_train: model.trainedContext,
          n_embd: model.embeddingLength,
          size: model.bytes,
        },
      },
    ],
  })

const tokenizeSchema = z.looseObject({
  content: z.string(),
  add_special: z.boolean().default(false),
  parse_special: z.boolean().default(true),
  with_pieces: z.boolean().default(false),
})

export const tokenize: Route = ({ machine: { model } }, body, reply) => {
  const ask = parseBody(tokenizeSchema, body)
  refuseOversize(model, ask.content.length, 'content')
  const text = model.tokenize(ask.content, ask.parse_special)
  const { token, prepend } = model.bos
  const tokens = ask.add_special && prepend && token !== null ? [token, ...text] : text
  const piece = (id: Token) => ({ id, piece: model.piece(id) })
  reply.json(200, { tokens: ask.with_pieces ? tokens.map(piece) : tokens })
}

const detokenizeSchema = z.looseObject({ tokens: z.array(z.int().min(0)) })

export const detokenize: Route = ({ machine: { model } }, body, reply) => {
  const { tokens } = parseBody(detokenizeSchema, body)
  reply.json(200, { content: model.detokenize(vocabularyTokens(model, tokens, 'tokens')) })
}
