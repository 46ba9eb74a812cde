// What every store of objects says alike of names, and of a name that holds something else.
import { Fault } from '@switchyard/kinds'

/** `TypeError` for a name that leads out of the store: names are made by us. */
export function checkPath(path: string): string {
  const steps = path.split('/')
  if (path.startsWith('/') || path.includes('\\') || path.includes('\0') || steps.includes('..'))
    throw new TypeError(`${JSON.stringify(path)} is no name of an object`)
  return path
}

export function differs(path: string): Fault {
  return new Fault('conflict', `The archive holds something else as ${path}, and it is written once.`, {
    reason: 'object_differs',
  })
}
