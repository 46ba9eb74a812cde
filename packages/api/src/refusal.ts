// The one edge of errors: whatever was thrown becomes a fault, and every fault one shape.
import { errorBody, Fault } from '@switchyard/kinds'
import type { Observe } from '@switchyard/runtime'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { ApiObservation } from './observation.ts'

/** Fastify's own refusals, by their code, as faults. */
const framework: Readonly<Record<string, (error: FastifyError) => Fault>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new Fault('too_large', 'A body is at most 4 MiB.', { reason: 'body_too_large' }),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new Fault('unsupported', 'Send the body as application/json (a patch as application/merge-patch+json).', {
      reason: 'media_type',
      status: 415,
    }),
  FST_ERR_CTP_EMPTY_JSON_BODY: () =>
    new Fault('invalid', 'The body is empty. Send one JSON object.', { reason: 'bad_json' }),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new Fault('invalid', 'The body is not JSON.', { reason: 'bad_json' }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new Fault('invalid', 'The body is not as long as Content-Length says.', { reason: 'content_length' }),
  FST_ERR_BAD_URL: () => new Fault('invalid', 'The address is not a valid URL.', { reason: 'bad_url' }),
  FST_ERR_MAX_LIMIT: () =>
    new Fault('not_found', 'There is nothing at this address.', { reason: 'unknown_path' }),
}

export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof SyntaxError)
    return new Fault('invalid', 'The body is not JSON.', { reason: 'bad_json', cause: error })
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const known = framework[error.code]
    if (known) return known(error as FastifyError) // a row of the table above
  }
  return new Fault('internal', 'Something failed in the server. Its log knows this request id.', {
    cause: error,
  })
}

export function refuse(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  observe: Observe<ApiObservation>,
): FastifyReply {
  const fault = faultOf(error)
  if (fault.code === 'internal') observe({ type: 'failure', requestId: request.id, error })
  reply.code(fault.status).header('x-request-id', request.id)
  if (fault.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="switchyard"')
  if (fault.retryAfterSeconds !== undefined) reply.header('retry-after', String(fault.retryAfterSeconds))
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(errorBody(fault, request.id)))
}
