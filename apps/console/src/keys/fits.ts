// Which models a key may call.

/** Whether one of the patterns means the name: `*` stands for any characters, as the gateway reads it. */
export function fits(patterns: readonly string[], name: string): boolean {
  return patterns.some(pattern => {
    const [first = '', ...rest] = pattern.split('*')
    if (rest.length === 0) return pattern === name
    if (!name.startsWith(first)) return false
    let at = first.length
    for (const [place, part] of rest.entries()) {
      const found = place === rest.length - 1 ? name.length - part.length : name.indexOf(part, at)
      if (found < at || !name.startsWith(part, found)) return false
      at = found + part.length
    }
    return true
  })
}
