// Absent is absent: a member without a value does not exist.

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The members that have a value: what was not sent does not exist. */
export function present<T extends object>(members: T): Present<T> {
  // Only members whose value is undefined are taken away, which is what Present says.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>
}
