// Writes the tables of docs/observability.md from the tables of names: `node apps/server/src/telemetry-reference.ts`.
import { readFileSync, writeFileSync } from 'node:fs'
import { type MetricRow, metricRows, metricsVersion } from '@switchyard/gateway'
import { controlMetricRows } from './control-metrics.ts'
import { attributeRows, instruments } from './telemetry-names.ts'

const page = new URL('../../../docs/observability.md', import.meta.url)

/** The page with its generated parts made anew; they stand between comments that name them. */
export function observabilityPage(text: string): string {
  let made = text
  for (const [name, lines] of Object.entries({
    metrics: [`Version ${metricsVersion} of the table.`, '', ...metricLines(metricRows)],
    'control metrics': metricLines(controlMetricRows),
    instruments: instrumentLines(),
    attributes: attributeLines(),
  })) {
    const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`]
    const [before = '', rest] = made.split(begin)
    const [, after] = rest?.split(end) ?? []
    if (after === undefined) throw new TypeError(`the page has no part ${name}`)
    made = `${before}${begin}${lines.join('\n')}\n${end}${after}`
  }
  return made
}

const code = (words: readonly string[]) => words.map(word => `\`${word}\``).join(' ')

function metricLines(table: readonly (readonly [string, MetricRow])[]): readonly string[] {
  const rows = table.map(
    ([name, { type, unit, labels, help }]) =>
      `| \`${name}\` | ${type}, ${unit} | ${code(labels)} | ${help} |`,
  )
  return ['| name | type, unit | labels | |', '|---|---|---|---|', ...rows]
}

function instrumentLines(): readonly string[] {
  const rows = Object.entries(instruments).map(
    ([name, { unit, description, bounds }]) =>
      `| \`${name}\` | \`${unit}\` | ${bounds[0]} … ${bounds.at(-1)} (${bounds.length}) | ${description} |`,
  )
  return ['| name | unit | bounds | |', '|---|---|---|---|', ...rows]
}

function attributeLines(): readonly string[] {
  const rows = attributeRows.map(
    ({ latest, before }) =>
      `| \`${latest}\` | ${before === undefined ? 'the same' : before && `\`${before}\``} |`,
  )
  return ['| newest | 1.36 |', '|---|---|', ...rows]
}

if (import.meta.main) writeFileSync(page, observabilityPage(readFileSync(page, 'utf8')))
