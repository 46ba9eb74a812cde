// What a granted pattern stands for.

/** Whether a granted pattern (`*`, `noun:*`, `*:verb`, `noun:verb`) covers a permission. */
export function covers(pattern: string, permission: string): boolean {
  if (pattern === '*' || pattern === permission) return true
  const [noun, verb] = pattern.split(':')
  const [wantedNoun, wantedVerb] = permission.split(':')
  return (noun === '*' || noun === wantedNoun) && (verb === '*' || verb === wantedVerb)
}
