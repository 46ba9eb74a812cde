// What one request has cost and why: its events, each unit with the arithmetic, and where it was posted.
import type { ExplainedEvent } from '@switchyard/client'
import type { Cli } from '../cli.ts'
import { json, yaml } from '../output/formats.ts'
import { safe } from '../output/width.ts'

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
const isRecord = (one: unknown): one is Readonly<Record<string, unknown>> =>
  typeof one === 'object' && one !== null
const list = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter(isRecord) : []

export async function usageExplain(cli: Cli, request: string): Promise<void> {
  const { workspace } = await cli.target()
  const events = await (await cli.client()).explainUsage(workspace, request)
  const { output } = cli.flags
  if (output === 'json') return cli.out(json({ events }))
  if (output === 'yaml') return cli.out(await yaml([{ events }]))
  cli.out(`${events.flatMap(linesOf).map(safe).join('\n')}\n`)
}

function linesOf(event: ExplainedEvent): readonly string[] {
  const of = (name: string) => text(event[name])
  const attempt = of('id').split(':')[1] ?? ''
  const lines = list(event.lines)
  const kept = of('tier') === 'cache'
  const flags = Array.isArray(event.flags) && event.flags.length > 0 ? `, ${event.flags.join(', ')}` : ''
  return [
    `${of('id')}`,
    `  ${of('operation')} of ${of('model')} at ${of('time')}, key ${of('key_name')}${of('project') && `, project ${of('project')}`}`,
    `  attempt ${attempt} at ${of('upstream') || (kept ? 'the cache' : 'no upstream')}: ${of('end_reason')}, ${of('status')}, ended ${of('ended_at')}`,
    ...list(event.attempts).map(triedIn),
    ...(of('first_token_ms') ? [`  first token after ${of('first_token_ms')} ms`] : []),
    ...servedBy(of),
    `  counted by: ${of('usage_source')}${flags}; paid by: ${of('billable') === 'caller' ? 'the caller' : 'nobody, a cost of ours'}`,
    ...lines.flatMap(lineOf),
    ...(lines.length === 0 ? [kept ? '  free: no rate names the cache' : '  no price'] : []),
    ...(of('amount') ? [`  amount: ${of('amount')} ${of('currency')}`] : []),
    ...(of('cost') ? [`  cost to us: ${of('cost')} ${of('currency')}`] : []),
    ...(of('hold') ? [`  held: ${of('hold') === 'row' ? 'by the database' : `slice ${of('hold')}`}`] : []),
    ...list(event.posted).map(
      one => `  posted: ${text(one.amount)} ${text(one.currency)}, transaction ${text(one.transaction)}`,
    ),
  ]
}

/** Milliseconds since the request was admitted. */
function triedIn({ upstream, outcome, status, startMs, endMs }: Readonly<Record<string, unknown>>): string {
  const head = Number(status) > 0 ? `${text(outcome)}, ${text(status)}` : text(outcome)
  return `  tried ${text(upstream)}: ${head}, from ${text(startMs)} to ${text(endMs)} ms`
}

/** By what prices go beside the model and the moment. */
function servedBy(of: (name: string) => string): readonly string[] {
  const told = [
    of('upstream_model') && `served as ${of('upstream_model')}`,
    of('provider') && `by provider ${of('provider')}`,
    of('region') && `in ${of('region')}`,
    of('tier') !== 'standard' && of('tier') && `tier ${of('tier')}`,
  ].filter(Boolean)
  return told.length === 0 ? [] : [`  ${told.join(', ')}`]
}

const lineOf = (line: Readonly<Record<string, unknown>>): readonly string[] => [
  `  ${text(line.side) === 'cost' ? 'cost  ' : 'sale  '}${text(line.unit)}: ${text(line.arithmetic)}`,
  `        rates[${text(line.place)}] of PriceBook ${text(line.book)}, version ${text(line.version)}, ${text(line.sha256).slice(0, 12)}`,
]
