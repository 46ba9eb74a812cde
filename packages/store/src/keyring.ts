// The versions of the master key as a process knows them: read from the database, unwrapped once by the root keys, and
// read again when something is sealed under one that is not known yet.
import { Fault } from '@switchyard/kinds'
import { type RootKey, Sealed } from '@switchyard/runtime'
import {
  type MasterKey,
  type MasterKeys,
  masterKey,
  masterKeys,
  type Openers,
  type RandomBytes,
} from './envelope.ts'
import type { Database } from './postgres/pool.ts'

/** A version as the database has it. */
export interface KeyRow {
  readonly id: string
  readonly version: number
  readonly root: string
  /** Null where the root key is the key itself. */
  readonly wrapped: Buffer | null
  readonly made_at: Date
}

export interface Known {
  /** The newest first. */
  readonly rows: readonly KeyRow[]
  /** Those that open here, in the same order; undefined when none does. */
  readonly keys: MasterKeys | undefined
}

/** Where the rows are kept aside for a start without the database: they hold no key in clear. */
export interface KeyCopy {
  read(): Promise<string | undefined>
  write(text: string): Promise<void>
}

export interface KeyRing {
  /** The first wraps new versions; all of them unwrap. */
  readonly roots: readonly RootKey[]
  /** As last read: the same value until another was read. */
  readonly latest: Known | undefined
  /** As last read; the first call reads. */
  known(): Promise<Known>
  refresh(): Promise<Known>
  /** What opens these, which is read again once when one of them is not known; whether all are is for the caller to see. */
  opening(ids: readonly string[]): Promise<Openers>
  /** What seals: the newest version, which is made when there is none. `newest` is its id where the caller has just read it. */
  sealing(newest?: string): Promise<MasterKeys>
  /** Adds a version after `newest`, unless another process has added one; 0 is none. Answers the newest there is. */
  add(newest: number): Promise<KeyRow>
}

/** A ring, or bytes of root keys for one of their own. */
export type Keys = KeyRing | readonly Uint8Array[]

const as = { role: 'secrets' } as const
const noop = () => {}
const select = 'select id, version, root, wrapped, made_at from secret_keys order by version desc'

export function keyRingOn(
  database: Database,
  roots: readonly RootKey[],
  random: RandomBytes,
  copy?: KeyCopy,
): KeyRing {
  if (roots.length === 0) throw new TypeError('A vault needs a master key.')
  const unwrapped = new Map<string, MasterKey>()
  let known: Known | undefined
  let taken: string | undefined
  let running: Promise<Known> | undefined
  let next: Promise<Known> | undefined
  let kept: string | undefined

  async function unwrap({ id, root, wrapped }: KeyRow): Promise<MasterKey | undefined> {
    const holder = roots.find(one => one.id === root)
    if (!holder) return undefined
    const clear = wrapped === null ? holder.itself : await holder.unwrap(wrapped, id)
    if (!clear) return undefined
    const key = masterKey(clear.reveal())
    // Another version's wrapping, put in this one's row.
    return key.id === id ? key : undefined
  }

  async function take(rows: readonly KeyRow[]): Promise<Known> {
    const text = textOf(rows)
    if (known && text === taken) return known
    const opened: MasterKey[] = []
    for (const row of rows) {
      const key = unwrapped.get(row.id) ?? (await opening(() => unwrap(row)))
      if (!key) continue
      unwrapped.set(row.id, key)
      opened.push(key)
    }
    const [first] = opened
    known = { rows, keys: first && { first, byId: new Map(opened.map(key => [key.id, key])) } }
    taken = text
    return known
  }

  async function read(): Promise<readonly KeyRow[]> {
    try {
      const { rows } = await database.transaction(as, { readOnly: true }, client =>
        client.query<KeyRow>(select),
      )
      const text = textOf(rows)
      if (copy && text !== kept) await copy.write(text)
      kept = text
      return rows
    } catch (error) {
      const text = error instanceof Fault && error.code === 'unavailable' ? await copy?.read() : undefined
      if (text === undefined) throw error
      return rowsOf(text)
    }
  }

  function begin(): Promise<Known> {
    running = (async () => take(await read()))().finally(() => {
      running = undefined
    })
    return running
  }

  /** What runs already may have begun too early for who asks now: all of those share the next. */
  async function refresh(): Promise<Known> {
    if (!running) return begin()
    next ??= running.then(noop, noop).then(() => {
      next = undefined
      return begin()
    })
    return next
  }

  const ring: KeyRing = {
    roots,
    get latest() {
      return known
    },
    known: async () => known ?? refresh(),
    refresh,

    async opening(ids) {
      const { keys } = await ring.known()
      if (keys && ids.every(id => keys.byId.has(id))) return keys
      return (await refresh()).keys ?? noneKnown
    },

    async sealing(newest) {
      let { rows, keys } = await ring.known()
      if (rows.length === 0) await ring.add(0)
      if (rows.length === 0 || (newest !== undefined && rows[0]?.id !== newest))
        ({ rows, keys } = await refresh())
      const [row] = rows
      if (row && keys?.first.id === row.id) return keys
      throw missing(row?.root ?? '?')
    },

    async add(newest) {
      const [root] = roots
      if (!root) throw new TypeError('a ring has a root')
      const bytes = Uint8Array.from(random(32))
      const { id } = masterKey(bytes)
      // Before the lock: a key service may take its time.
      const wrapped = Buffer.from(await root.wrap(new Sealed(bytes), id))
      bytes.fill(0)
      await database.transaction(as, {}, async client => {
        await client.query("select pg_advisory_xact_lock(hashtextextended('switchyard.secret_keys', 0))")
        await client.query(
          `insert into secret_keys (id, version, root, wrapped)
           select $1, $2::integer + 1, $3, $4 where (select coalesce(max(version), 0) from secret_keys) = $2::integer`,
          [id, newest, root.id, wrapped],
        )
      })
      const [row] = (await refresh()).rows
      if (!row) throw new TypeError('a version was added')
      return row
    },
  }
  return ring
}

const noneKnown: Openers = { byId: new Map() }

/** What seals a file: a ring of the database, or bytes alone. */
export function sealingKeys(keys: Keys): Pick<KeyRing, 'opening' | 'sealing'> {
  if (isRing(keys)) return keys
  const known = Promise.resolve(masterKeys(keys))
  return { opening: () => known, sealing: () => known }
}

export const isRing = (keys: Keys): keys is KeyRing => 'roots' in keys

export function missing(root: string): Fault {
  return new Fault(
    'unavailable',
    `The newest master key is under the root key ${root}, which this server was not given: ${putBack}.`,
    { reason: 'secret_key_missing' },
  )
}

export const putBack =
  'put the file secrets.key back, or name the key with SWITCHYARD_SECRET_KEY, SWITCHYARD_SECRET_KEY_FILE or SWITCHYARD_KMS_COMMAND'

/** Undefined for what was altered: the other versions go on. */
async function opening<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Fault && error.reason === 'secret_damaged') return undefined
    throw error
  }
}

const textOf = (rows: readonly KeyRow[]) =>
  JSON.stringify(
    rows.map(({ id, version, root, wrapped, made_at }) => ({
      id,
      version,
      root,
      wrapped: wrapped?.toString('base64') ?? null,
      madeAt: made_at.toISOString(),
    })),
  )

interface CopiedRow extends Pick<KeyRow, 'id' | 'version' | 'root'> {
  readonly wrapped: string | null
  readonly madeAt: string
}

function rowsOf(text: string): readonly KeyRow[] {
  const rows = JSON.parse(text) as readonly CopiedRow[] // written by `textOf` alone
  return rows.map(({ wrapped, madeAt, ...row }) => ({
    ...row,
    wrapped: wrapped === null ? null : Buffer.from(wrapped, 'base64'),
    made_at: new Date(madeAt),
  }))
}
