// A schema where its dialect has no other place for what is said of it.
import type { Conversation, RawJson } from './conversation.ts'
import { Raw } from './raw.ts'

type Schema = Extract<NonNullable<Conversation['output']>, { readonly type: 'schema' }>

/** The schema with its description inside, unless it has one. */
export function describedSchema({ schema, description }: Schema): RawJson {
  const members = description === undefined ? undefined : Raw.parse(Buffer.from(schema))?.members()
  if (!members || members.has('description')) return schema
  const rest = schema.slice(schema.indexOf('{') + 1)
  return `{"description":${JSON.stringify(description)}${members.size > 0 ? ',' : ''}${rest}`
}
