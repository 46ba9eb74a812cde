// The last step of a start: a real call through our own gateway, so that "ready" means that a caller is answered.
import { Fault } from '@switchyard/kinds'
import { request } from 'undici'

/** One short chat completion; answers what the model said. The snapshot may need a moment to hear of a new key. */
export async function firstToken(
  ask: { readonly baseUrl: string; readonly apiKey: string; readonly model: string },
  signal: AbortSignal,
): Promise<string> {
  const attempts = 50
  for (let attempt = 1; ; attempt++) {
    const { statusCode, body } = await request(`${ask.baseUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ask.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: ask.model,
        messages: [{ role: 'user', content: 'Hello!' }],
        max_tokens: 16,
        temperature: 0,
      }),
      signal,
    })
    const answer = (await body.json()) as Answer // read below, member by member
    const text = answer.choices?.[0]?.message?.content
    if (statusCode === 200 && typeof text === 'string') return text.trim()
    // A real answer too: whoever set the rules of addresses left this machine out.
    if (statusCode === 403 && answer.error?.code === 'ip_denied') return '(no calls from this machine)'
    const passing = statusCode === 401 || statusCode === 404 || statusCode === 503
    if (!passing || attempt === attempts)
      throw new Fault(
        'unavailable',
        `The first call was not answered (${statusCode}): ${answer.error?.message ?? 'no reason given'}`,
        {
          reason: 'first_call',
        },
      )
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

interface Answer {
  readonly choices?: readonly { readonly message?: { readonly content?: unknown } }[]
  readonly error?: { readonly message?: string; readonly code?: string }
}
