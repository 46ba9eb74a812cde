// What a PUT sends: the spec is the file's alone; of metadata, what the file leaves out stays as it is.
import type { Manifest } from '@switchyard/client'
import type { Document, Kind } from '@switchyard/kinds'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Keys of labels and annotations that belong to the server. */
const reserved = 'switchyard.dev/'

function map(given: unknown, stored: Readonly<Record<string, string>>): unknown {
  if (!isRecord(given)) return stored
  const served = Object.entries(stored).filter(([key]) => key.startsWith(reserved))
  return { ...Object.fromEntries(served), ...given }
}

export function replacement(stored: Document, given: Manifest, kind: Kind): Manifest {
  const { name, workspace, project, displayName, description, labels, annotations } = stored.metadata
  const wish: Readonly<Record<string, unknown>> = given.metadata
  const kept = Object.entries({ project, displayName, description }).filter(
    ([, value]) => value !== undefined,
  )
  const spec = isRecord(given.spec) ? given.spec : {}
  const before = isRecord(stored.spec) ? stored.spec : {}
  // A file need not repeat a secret: what it leaves out is sent back as it was read, which keeps it.
  const secrets = kind.secrets
    .map(path => path.replace(/^spec\./, ''))
    .filter(field => !(field in spec) && isRecord(before[field]))
    .map(field => [field, before[field]])
  return {
    apiVersion: stored.apiVersion,
    kind: stored.kind,
    metadata: {
      ...Object.fromEntries(kept),
      ...Object.fromEntries(
        ['project', 'displayName', 'description'].filter(key => key in wish).map(key => [key, wish[key]]),
      ),
      name,
      workspace,
      labels: map(wish.labels, labels),
      annotations: map(wish.annotations, annotations),
    },
    spec: { ...spec, ...Object.fromEntries(secrets) },
  }
}
