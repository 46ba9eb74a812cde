// Rows that read what happened: events, usage and the lines of replicas.
import type { UsageStore } from '@switchyard/runtime'
import { z } from 'zod'
import { eventSchema, eventsQuerySchema, listEvents } from './events.ts'
import { endpointLogs, type LogsOptions, logsQuerySchema } from './logs.ts'
import { readRequests, requestListSchema, requestsQuerySchema } from './requests.ts'
import { guarded, nowhere, type Row } from './route.ts'
import { trafficRow } from './traffic-row.ts'
import { readUsage, usageAnswerSchema, usageQuerySchema } from './usage.ts'

export interface FactOptions extends LogsOptions {
  readonly usage: UsageStore
}

export function factRows(options: FactOptions): readonly Row[] {
  const eventList = [
    {
      status: 200,
      doc: 'Newest first.',
      schema: z.object({ kind: z.literal('EventList'), items: z.array(eventSchema) }),
    },
  ]
  return [
    guarded(
      { permission: 'event:read' },
      {
        method: 'GET',
        path: '/api/v1/events',
        doc: 'What happened, in every workspace that you may read.',
        locate: nowhere,
        output: eventList,
      },
      { query: eventsQuerySchema },
      ({ caller, query }) => listEvents(options.store, caller, undefined, query),
    ),
    guarded(
      { permission: 'event:read' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/events',
        doc: 'What happened in one workspace.',
        locate: ({ w }) => ({ workspace: w }),
        output: eventList,
      },
      { query: eventsQuerySchema },
      ({ caller, query, params }) => listEvents(options.store, caller, params.w, query),
    ),
    guarded(
      { permission: 'usage:read' },
      {
        method: 'GET',
        path: '/api/v1/usage',
        doc: 'Sums of what was used, by key, model, project, workspace or time.',
        locate: nowhere,
        output: [
          {
            status: 200,
            doc: 'One row for each group; counts are decimal strings.',
            schema: usageAnswerSchema,
          },
        ],
      },
      { query: usageQuerySchema },
      ({ caller, query }) => readUsage(options.usage, caller, query),
    ),
    trafficRow(options),
    guarded(
      { permission: 'usage:read' },
      {
        method: 'GET',
        path: '/api/v1/usage/requests',
        doc: 'What was asked, request by request, as far as usage of it is in.',
        locate: nowhere,
        output: [{ status: 200, doc: 'Newest first, page by page.', schema: requestListSchema }],
      },
      { query: requestsQuerySchema },
      ({ caller, query }) => readRequests(options.usage, caller, query),
    ),
    guarded(
      { permission: 'endpoint:logs' },
      {
        method: 'GET',
        path: '/api/v1/workspaces/{w}/endpoints/{name}/logs',
        doc: "Lines of an endpoint's replicas as plain text.",
        locate: ({ w, name = '' }) => ({ workspace: w, name }),
        output: [
          {
            status: 200,
            doc: 'One line each, with the time where it is known.',
            media: 'text/plain',
            schema: z.string(),
          },
        ],
        kind: 'Endpoint',
      },
      { query: logsQuerySchema },
      ({ caller, params, query, headers, requestId, signal }) =>
        endpointLogs(options, {
          accept: headers.accept,
          caller,
          workspace: params.w ?? '',
          name: params.name ?? '',
          query,
          requestId,
          signal,
        }),
    ),
  ]
}
