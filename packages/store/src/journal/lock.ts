// One owner for a folder. The lock is one that the kernel drops with the process, whatever kills it, and that
// holds across containers that share the volume: SQLite's, over fcntl. A file with a process id has neither.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Fault } from '@switchyard/kinds'

export interface Lock extends Disposable {
  readonly folder: string
}

/** `conflict` (`locked`) while another process holds the folder. */
export function lockFolder(folder: string): Lock {
  const database = new DatabaseSync(join(folder, 'lock'))
  try {
    database.exec('pragma locking_mode = exclusive; begin immediate')
  } catch (cause) {
    database.close()
    throw new Fault(
      'conflict',
      `Another process holds the journal in ${folder}: stop it, or give this one a folder of its own.`,
      { reason: 'locked', cause },
    )
  }
  let held = true
  return {
    folder,
    [Symbol.dispose]() {
      if (held) database.close()
      held = false
    },
  }
}
