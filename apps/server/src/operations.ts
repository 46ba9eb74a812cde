// Health, readiness and metrics for whoever runs the server: without a credential and without the store, on a port of
// their own, and on the callers' port as long as there is no control plane to tell of them.
import { createServer, type ServerResponse } from 'node:http'
import type { Readiness } from '@switchyard/api'
import { systemClock } from '@switchyard/runtime'
import type { ControlMetrics } from './control-metrics.ts'
import type { Front } from './front.ts'
import { bind, type Handler, starting } from './listen.ts'
import { readinessOf } from './readiness.ts'

export interface Operations {
  readonly readiness: () => Readiness
  /** Prometheus' text; not told when absent. */
  readonly metrics?: () => Promise<string>
}

export function operationsOf(
  front: Front,
  maxStaleSeconds: number | undefined,
  stopping: () => boolean,
  control: ControlMetrics,
): Required<Operations> {
  return {
    readiness() {
      const told = readinessOf({ front, maxStaleSeconds, now: systemClock.now() })
      return stopping() ? { ...told, waitingFor: ['the server: it is stopping'] } : told
    },
    async metrics() {
      await front.gather()
      return front.metrics() + control.text()
    },
  }
}

/** Answers "starting" to everything else. */
export function operationsHandler({ readiness, metrics }: Operations): Handler {
  return (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname.replace(/(?<=.)\/$/, '')
    const asks = request.method === 'GET' || request.method === 'HEAD'
    if (asks && path === '/healthz') return json(response, 200, { status: 'ok' })
    if (asks && path === '/readyz') {
      const told = readiness()
      const ready = told.waitingFor.length === 0
      return json(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', ...told })
    }
    if (!asks || path !== '/metrics' || !metrics) return starting(request, response)
    metrics().then(
      text => {
        response.writeHead(200, {
          'content-type': 'text/plain; version=0.0.4; charset=utf-8',
          'cache-control': 'no-store',
        })
        response.end(text)
      },
      () => starting(request, response),
    )
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

/** On a port of their own; disposing closes it. */
export async function listenForOperations(
  { host, port }: { readonly host: string; readonly port: number },
  operations: Operations,
): Promise<AsyncDisposable> {
  const server = createServer({ requestTimeout: 10_000 }, operationsHandler(operations))
  await bind(server, host, port)
  return {
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
