// A usage event as a meter of somebody else pushes it.

/** What another program has metered, an attempt of which failed: its first token after 1.2 s and its end after 4, times `pace`. */
export function metered(workspace: string, model: string, at: number, number: number, pace = 1) {
  const after = (milliseconds: number) => Math.round(milliseconds * pace)
  const minted = at.toString(16).padStart(12, '0')
  const request = `${minted.slice(0, 8)}-${minted.slice(8)}-7000-8000-00000000000${number}`
  const failed = { upstream: 'west', outcome: 'status', status: 503, startMs: after(30), endMs: after(400) }
  return {
    specversion: '1.0',
    type: 'switchyard.usage.v1',
    source: '/meters/lab',
    id: `${request}:2:call`,
    subject: `${workspace}/-`,
    time: new Date(at).toISOString(),
    data: {
      workspace,
      project: null,
      key: 'lab',
      keyName: 'lab',
      model,
      endpoint: '',
      upstream: 'east',
      request,
      operation: 'chat.completions',
      billable: 'caller',
      streamed: true,
      end: 'done',
      status: 200,
      endedAt: new Date(at + after(4000)).toISOString(),
      usageSource: 'provider',
      flags: [],
      quantities: { 'tok.in.uncached': '1000', 'tok.out.text': String(number * 1000) },
      firstTokenMs: after(1200),
      attempts: [
        failed,
        {
          ...failed,
          upstream: 'east',
          outcome: 'answered',
          status: 200,
          startMs: after(500),
          contentMs: after(1200),
          endMs: after(4000),
        },
      ],
    },
  }
}
