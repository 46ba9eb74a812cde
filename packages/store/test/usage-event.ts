// A usage event as a gateway would send it now.
import { randomUUID } from 'node:crypto'
import type { UsageEvent } from '@switchyard/runtime'

export function usageEvent(workspace: string, data: Partial<UsageEvent['data']> = {}): UsageEvent {
  const now = Date.now().toString(16).padStart(12, '0')
  const request = `${now.slice(0, 8)}-${now.slice(8)}-7${randomUUID().slice(15)}`
  const time = new Date().toISOString()
  return {
    specversion: '1.0',
    type: 'switchyard.usage.v1',
    source: '/gateway',
    id: `${request}:1:call`,
    subject: `${workspace}/-`,
    time,
    data: {
      workspace,
      project: null,
      key: 'abc',
      keyName: 'k',
      model: 'tiny',
      endpoint: 'tiny',
      upstream: 'r1',
      request,
      operation: 'chat',
      billable: 'caller',
      streamed: false,
      end: 'done',
      status: 200,
      endedAt: time,
      usageSource: 'engine',
      quantities: { 'tok.in.uncached': '10', 'tok.out.text': '5' },
      flags: [],
      ...data,
    },
  }
}
