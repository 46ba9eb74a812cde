// Every type of Provider with its row: a new service is a row here and a word in `providerTypes`.
import { type ProviderType, providerTypes } from '@switchyard/kinds'
import type { ProviderRow } from '../provider.ts'
import { clouds } from './clouds.ts'
import { servedEngines } from './engines.ts'
import { azureOpenai, openai, openaiCompatible } from './openai.ts'
import { anthropic, gemini, ollama, vertexGemini } from './own-dialects.ts'

const rows: readonly ProviderRow[] = [
  openai,
  openaiCompatible,
  azureOpenai,
  anthropic,
  gemini,
  vertexGemini,
  ollama,
  ...clouds,
  ...servedEngines,
]

const byType = new Map(rows.map(row => [row.type, Object.freeze(row)]))

export function providerRow(type: ProviderType): ProviderRow {
  const row = byType.get(type)
  if (!row) throw new TypeError(`The provider type ${type} has no row in the catalog.`)
  return row
}

/** In the order of `providerTypes`. */
export const providers: readonly ProviderRow[] = providerTypes.map(providerRow)
