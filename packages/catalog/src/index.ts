// What can be chosen, as rows: each engine is a record, and a record is all that a new engine needs.
import type { EngineRow } from './engine.ts'
import { llamaCpp } from './engines/llama-cpp.ts'

export * from './accelerators/index.ts'
export * from './engine.ts'
export { builtinExits } from './engines/llama-cpp.ts'
export * from './provider.ts'
export { providerRow, providers } from './providers/index.ts'

export const engines: readonly EngineRow[] = [llamaCpp]

/** The rows of an installation that has a `llama-server` program: that one is used when none is named. */
export function enginesWith(found: { readonly llamaServer?: string }): readonly EngineRow[] {
  const path = found.llamaServer
  if (path === undefined) return engines
  return engines.map(row =>
    row !== llamaCpp
      ? row
      : {
          ...row,
          spec: {
            ...row.spec,
            versions: row.spec.versions
              .map(each => (each.version === 'llama-server' ? { ...each, binary: path } : each))
              .sort((a, b) => Number(b.binary === path) - Number(a.binary === path)),
          },
        },
  )
}
