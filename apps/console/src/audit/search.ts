// What is looked for in the trail, as its address says it and as the API is asked.

export type AuditField = 'q' | 'actor' | 'action' | 'kind' | 'name' | 'outcome' | 'from' | 'to'
export type AuditSearch = { readonly [name in AuditField]?: string }

/** The person's own time, as a field of a form has it, told to everybody. */
const moment = (local: string): string | undefined => {
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

export function queryOf({ from, to, ...rest }: AuditSearch): Readonly<Record<string, string | undefined>> {
  return {
    ...rest,
    ...(from !== undefined && { from: moment(from) }),
    ...(to !== undefined && { to: moment(to) }),
  }
}
