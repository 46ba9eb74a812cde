// One stream for several kinds: a browser opens few connections to a server, and a console looks at many kinds at once.
import { findKind, type Kind, kinds } from '@switchyard/kinds'
import { z } from 'zod'
import { authorize } from './authorize.ts'
import { invalid } from './invalid.ts'
import { guarded, nowhere, type Row } from './route.ts'
import { lastEventIdOf, type WatchOptions, watchDocuments } from './watch.ts'

const querySchema = z.strictObject({
  kinds: z.string().min(1).max(1024).describe('Names of kinds, with commas between them.'),
  watch: z.literal('true').optional().describe('As in the lists of one kind.'),
  view: z.enum(['full', 'metadata']).default('full').describe('`metadata` leaves spec and status out.'),
  resourceVersion: z
    .string()
    .regex(/^\d{1,20}$/, 'use a resourceVersion that a list or a frame gave')
    .optional()
    .describe('Every change after this version; without it, first all documents.'),
})

function kindsOf(names: string): readonly Kind[] {
  return [...new Set(names.split(','))].map(name => {
    const kind = findKind(name.trim())
    if (kind) return kind
    const known = kinds.map(one => one.kind).join(', ')
    throw invalid([
      { path: 'kinds', rule: 'kind', message: `there is no kind ${name.trim()}: use some of ${known}` },
    ])
  })
}

export function watchRow(options: WatchOptions): Row {
  return guarded(
    { self: 'each kind is asked for by its own read permission' },
    {
      method: 'GET',
      path: '/api/v1/watch',
      doc: 'Watch several kinds by one stream, in all workspaces where the caller may read them.',
      locate: nowhere,
      output: [
        { status: 200, doc: 'A stream of frames.', media: 'application/x-ndjson', schema: z.string() },
      ],
    },
    { query: querySchema },
    async ({ caller, query, headers, requestId, signal }) => {
      const wanted = kindsOf(query.kinds)
      for (const { noun } of wanted) authorize(caller, `${noun}:read`, undefined)
      return watchDocuments(options, {
        kinds: wanted,
        caller,
        workspace: undefined,
        query,
        accept: headers.accept,
        lastEventId: lastEventIdOf(headers),
        requestId,
        signal,
      })
    },
  )
}
