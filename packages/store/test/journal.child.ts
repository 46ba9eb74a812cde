// Appends without end and tells its parent what was acknowledged, until it is killed.
import type { UsageEvent } from '@switchyard/runtime'
import { openJournal } from '@switchyard/store/journal'

const [, , folder = '', round = ''] = process.argv
const journal = await openJournal({ folder, clock: Date.now, observe: () => undefined, segmentBytes: 20_000 })

function event(request: string, end: UsageEvent['data']['end']): UsageEvent {
  const data = {
    billable: 'caller',
    end,
    endedAt: '2026-01-01T00:00:01.000Z',
    endpoint: 'tiny',
    flags: [],
    key: 'abc',
    keyName: 'k',
    model: 'tiny',
    operation: 'chat.completions',
    project: null,
    quantities: {},
    request,
    status: 200,
    streamed: false,
    upstream: 'u',
    usageSource: 'engine',
    workspace: 'default',
  } as const
  return {
    data,
    id: `${request}:1:call`,
    source: '/gateway',
    specversion: '1.0',
    subject: 'default/-',
    time: '2026-01-01T00:00:00.000Z',
    type: 'switchyard.usage.v1',
  }
}

async function one(request: string): Promise<void> {
  await journal.append({ kind: 'open', request, event: event(request, 'gateway_lost') })
  process.send?.(['open', request])
  await journal.append({ kind: 'usage', request, events: [event(request, 'done')] })
  process.send?.(['end', request])
}

for (let i = 0; ; i += 4) {
  await Promise.all([0, 1, 2, 3].map(k => one(`${round}-${i + k}`)))
  if (i % 64 === 0) await new Promise(resolve => setTimeout(resolve, 1))
}
