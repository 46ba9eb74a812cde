// Asks an engine for one token in OpenAI's words, which every engine that we start understands.
import { request } from 'node:http'
import type { GenerationProbe, Prober } from '@switchyard/runtime'

const asks = {
  completion: (model: string) => ({
    path: '/v1/completions',
    body: { model, prompt: '1', max_tokens: 1, temperature: 0 },
  }),
  embedding: (model: string) => ({ path: '/v1/embeddings', body: { model, input: '1' } }),
} as const satisfies Record<GenerationProbe['task'], (model: string) => unknown>

export const httpProber: Prober = ({ address, task, model, timeoutMs }, signal) => {
  const { path, body } = asks[task](model)
  return new Promise(resolve => {
    const bad = (message: string) => resolve({ good: false, message })
    const asked = request(`http://${address}${path}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'x-switchyard-probe': 'generation' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    asked.on('response', response => {
      response.resume()
      response.on('end', () =>
        response.statusCode === 200
          ? resolve({ good: true })
          : bad(`one token was asked for, and the engine answered ${response.statusCode}`),
      )
      response.on('close', () => bad('the engine broke off while it generated one token'))
    })
    asked.on('error', error =>
      bad(
        error.name === 'TimeoutError' || error.name === 'AbortError'
          ? `the engine gave no token within ${timeoutMs} ms`
          : error.message,
      ),
    )
    asked.end(JSON.stringify(body))
  })
}
