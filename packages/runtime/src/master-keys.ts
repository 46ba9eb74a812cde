// Versions of the master key: the newest seals, all of them open, and one that nothing is under any more may go.

/** How a version stands, without anything of the key. */
export interface MasterKeyVersion {
  /** From 1. */
  readonly version: number
  /** 16 hex digits. */
  readonly id: string
  /** Of the root key that wraps it. */
  readonly root: string
  readonly madeAt: string
  /** Whether this process has its root key. */
  readonly opens: boolean
  /** Values that are sealed under it, by what they are. */
  readonly uses: Readonly<Record<string, number>>
}

export interface MasterKeyVersions {
  /** The newest first. */
  list(): Promise<readonly MasterKeyVersion[]>
  /** Adds a version, under the first root key, which seals from now on; what older ones wrap is brought under it by `rewrap`. */
  add(): Promise<MasterKeyVersion>
  /**
   * Brings all under the first root key: adds a version if the newest is of another one, and wraps the other versions anew.
   * For a start, after `verify`.
   */
  adopt(): Promise<void>
  /** `conflict` while something is sealed under it, or processes may not yet know a newer one; `not_found`. */
  drop(version: number): Promise<void>
  /**
   * Brings what older versions wrap under the newest; answers how many values that were. Values that are damaged stay as
   * they are. It may be ended anywhere, and begun anew.
   */
  rewrap(signal?: AbortSignal): Promise<number>
  /** Looks whether there are others than this process knows. */
  refresh(): Promise<void>
}
