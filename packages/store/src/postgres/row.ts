// The one row of a select that always has one.
export function onlyRow<T>({ rows }: { readonly rows: readonly T[] }): T {
  const [row] = rows
  if (row === undefined) throw new TypeError('this select has one row')
  return row
}
