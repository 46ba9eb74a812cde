// One request that was admitted and has ended.
import type { Ended, Used } from '@switchyard/runtime'

export function used(request: string, end: Ended['end'] = 'done'): Used {
  return {
    admitted: {
      request,
      at: Date.parse('2026-01-01T00:00:00.000Z'),
      workspace: 'default',
      project: null,
      key: 'abc',
      keyName: 'k',
      model: 'tiny',
      endpoint: 'tiny',
      operation: 'chat.completions',
      streamed: false,
    },
    ended: {
      at: Date.parse('2026-01-01T00:00:01.000Z'),
      end,
      status: 200,
      attempt: 1,
      upstream: 'tiny-1-0',
      billable: 'caller',
      usage: { quantities: { 'tok.out.text': 3n }, source: 'engine', flags: [] },
    },
  }
}
