// Which entries of the trail tell the words that somebody looks for.
type Members = Readonly<Record<string, unknown>>

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {}

/** Texts and numbers of a value. */
function* leaves(value: unknown): Generator<string> {
  if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) yield* leaves(one)
  else if (typeof value === 'string' || typeof value === 'number') yield String(value)
}

/** Who, what, on what, with what result and why, from where, and what changed; digests and ids are none of it. */
function* tellings(entry: Members): Generator<string> {
  const { actor, action, workspace, resource, outcome, code, reason, subject, documents, origin, diff } =
    entry
  const { id, name, on_behalf_of: behalf } = membersOf(actor)
  const { ip, agent } = membersOf(origin)
  const { kind, name: object } = membersOf(resource)
  yield* leaves([
    id,
    name,
    behalf,
    action,
    workspace,
    kind,
    object,
    outcome,
    code,
    reason,
    subject,
    ip,
    agent,
  ])
  yield* leaves([documents, diff])
}

/** Ids, which are looked for whole. */
const idsOf = ({ id, resource, origin }: Members): readonly unknown[] => {
  const { request, trace } = membersOf(origin)
  return [id, membersOf(resource).uid, request, trace]
}

/** Whether an entry tells every word, in whatever case, or has it for an id. */
export function holding(sought: string): (entry: string) => boolean {
  const words = sought.toLowerCase().split(/\s+/)
  // As they stand in JSON: most entries do not hold them at all, and need not be read.
  const written = words.map(word => JSON.stringify(word).slice(1, -1))
  return text => {
    const lower = text.toLowerCase()
    if (!written.every(word => lower.includes(word))) return false
    const entry = membersOf(JSON.parse(text))
    const told = [...tellings(entry)].join('\n').toLowerCase()
    const ids = idsOf(entry)
    return words.every(word => told.includes(word) || ids.includes(word))
  }
}
