// Canonical JSON (RFC 8785): keys in the order of their UTF-16 units, no space, numbers and strings as
// ECMAScript writes them. Two values that mean the same hash the same.
export function canonicalJson(value: unknown): string {
  return inOrder(value) ? JSON.stringify(value ?? null) : write(value)
}

/** What stands in order already is what `JSON.stringify` writes, at a tenth of the cost. */
function inOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(inOrder)
  if ('toJSON' in value) return false
  let last = ''
  const members = value as Readonly<Record<string, unknown>> // an object, and no list
  for (const key in members) {
    if (key < last || !inOrder(members[key])) return false
    last = key
  }
  return true
}

function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(item => write(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member)}`).join(',')}}`
}
