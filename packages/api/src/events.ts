// What happened to documents, as short facts: newest first.
import { findKind, kinds } from '@switchyard/kinds'
import type { Store } from '@switchyard/runtime'
import { z } from 'zod'
import { type Caller, identityOf, type Place } from './authorize.ts'
import { invalid } from './invalid.ts'
import type { Answer } from './route.ts'

export const eventsQuerySchema = z.strictObject({
  kind: z.string().max(63).optional().describe('Of documents of this kind.'),
  name: z.string().max(63).optional().describe('Of documents of this name.'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

export const eventSchema = z.object({
  id: z.string(),
  object: z.object({ kind: z.string(), workspace: z.string().nullable(), name: z.string(), id: z.string() }),
  type: z.enum(['Normal', 'Warning']),
  reason: z.string(),
  message: z.string(),
  firstAt: z.string(),
  lastAt: z.string(),
  count: z.int(),
})

export async function listEvents(
  store: Store,
  caller: Caller,
  workspace: Place,
  { kind, name, limit }: z.output<typeof eventsQuerySchema>,
): Promise<Answer> {
  const of = kind === undefined ? undefined : findKind(kind)
  if (kind !== undefined && !of)
    throw invalid([
      { path: 'kind', rule: 'kind', message: `use one of ${kinds.map(known => known.kind).join(', ')}` },
    ])
  const object = { ...(of ? { kind: of.kind } : {}), ...(name === undefined ? {} : { name }) }
  const items = await store.events(identityOf(caller), {
    ...(typeof workspace === 'string' ? { workspace } : {}),
    ...(Object.keys(object).length > 0 ? { object } : {}),
    limit,
  })
  return { status: 200, body: { kind: 'EventList', items } }
}
