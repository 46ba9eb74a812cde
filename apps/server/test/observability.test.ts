import { readFileSync } from 'node:fs'
import { metricRows } from '@switchyard/gateway'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { controlMetricRows } from '../src/control-metrics.ts'
import { observabilityPage } from '../src/telemetry-reference.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const rows = new Map([...metricRows, ...controlMetricRows])
const made = ['_bucket', '_sum', '_count']

/** The row of a series that a query names, whose histograms have three series each. */
function rowOf(series: string) {
  const suffix = made.find(
    end => series.endsWith(end) && rows.get(series.slice(0, -end.length))?.type === 'histogram',
  )
  const row = suffix === undefined ? rows.get(series) : rows.get(series.slice(0, -suffix.length))
  return { row, histogram: suffix !== undefined }
}

const brackets = [
  ['(', ')'],
  ['{', '}'],
  ['[', ']'],
] as const

const target = z.object({ refId: z.string(), expr: z.string().min(1), legendFormat: z.string() })
const gridPos = z.object({
  x: z.int().min(0).max(23),
  y: z.int().min(0),
  w: z.int().min(1).max(24),
  h: z.int().min(1),
})
const panel = z.discriminatedUnion('type', [
  z.object({ type: z.literal('row'), id: z.int(), title: z.string().min(1), gridPos }),
  z.object({
    type: z.enum(['timeseries', 'stat']),
    id: z.int(),
    title: z.string().min(1),
    gridPos,
    datasource: z.object({ type: z.literal('prometheus'), uid: z.literal(['$', '{datasource}'].join('')) }),
    fieldConfig: z.object({ defaults: z.object({ unit: z.string().min(1) }) }),
    targets: z.array(target).min(1),
  }),
])
const dashboard = z.object({
  title: z.string(),
  uid: z.string().max(40),
  schemaVersion: z.int().min(36),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), type: z.enum(['query', 'datasource']), query: z.unknown() })),
  }),
  panels: z.array(panel),
})

describe('the page on observability', () => {
  test('is made of the tables of names', () => {
    const page = read('docs/observability.md')
    expect(page).toBe(observabilityPage(page))
  })
})

test('alerts ask only for metrics of the table, with labels that they have', () => {
  const rules = [...read('deploy/prometheus/alerts.yml').matchAll(/^ {8}expr: (.+)$/gm)].map(
    ([, expr = '']) => expr,
  )
  expect(rules.length).toBeGreaterThan(4)
  for (const expr of rules) {
    for (const [open, close] of brackets) expect(expr.split(open).length, expr).toBe(expr.split(close).length)
    const series = expr.match(/switchyard_\w+/g) ?? []
    expect(series.length, expr).toBeGreaterThan(0)
    const labels = [
      ...[...expr.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label),
      ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
    ]
    for (const name of series) {
      const { row } = rowOf(name)
      expect(row, name).toBeDefined()
      if (row?.type === 'counter') expect(expr).toContain('increase(')
      // A number for all of them has no labels.
      if (expr.includes(`scalar(max(${name}))`)) continue
      for (const label of labels) expect(label === 'instance' || row?.labels.includes(label), expr).toBe(true)
    }
  }
})

describe("Grafana's dashboard", () => {
  const { panels, templating } = dashboard.parse(JSON.parse(read('deploy/grafana/switchyard-gateway.json')))
  const queries = panels.flatMap(one =>
    one.type === 'row'
      ? []
      : one.targets.map(({ expr, legendFormat }) => ({ expr, legendFormat, title: one.title })),
  )

  test('asks only for metrics of the table, with labels that they have', () => {
    const common = new Set(['job', 'instance', 'le'])
    for (const { expr, legendFormat, title } of queries) {
      const series = [...expr.matchAll(/(switchyard_\w+)\{([^}]*)\}/g)]
      expect(series.length, title).toBeGreaterThan(0)
      expect(expr.match(/switchyard_\w+/g), title).toHaveLength(series.length)
      for (const [, name = '', selector = ''] of series) {
        const { row, histogram } = rowOf(name)
        expect(row, name).toBeDefined()
        if (row?.type === 'histogram') expect(histogram, name).toBe(true)
        if (row?.type === 'counter' || histogram) expect(expr, title).toContain(`rate(${name}{`)
        const used = [
          ...[...selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label),
          ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
          ...[...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
        ]
        for (const label of used)
          expect(common.has(label) || row?.labels.includes(label), `${title}: ${label}`).toBe(true)
      }
    }
  })

  test('shows every metric of the gateway', () => {
    const asked = queries.map(({ expr }) => expr).join('\n')
    expect(
      metricRows
        .map(([name]) => name)
        .filter(name => !new RegExp(`${name}(_bucket|_sum|_count)?\\{`).test(asked)),
    ).toEqual([])
  })

  test('has balanced queries, panels that do not overlap, ids of their own, and only variables that it defines', () => {
    for (const { expr } of queries)
      for (const [open, close] of brackets)
        expect(expr.split(open).length, expr).toBe(expr.split(close).length)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    const known = new Set([...templating.list.map(({ name }) => name), '__rate_interval'])
    for (const [, name = ''] of JSON.stringify([queries, templating]).matchAll(/\$\{?(\w+)/g))
      expect(known.has(name) || name === '__all', name).toBe(true)
  })
})
