// Patterns of model names, as keys and roles list them.

/** `*` stands for any characters; everything else for itself. */
export function glob(pattern: string): RegExp {
  const text = pattern
    .split('*')
    .map(part => RegExp.escape(part))
    .join('.*')
  return new RegExp(`^${text}$`, 's')
}
