// Batches of usage events: numbered without gaps, closed, then sealed by the root of a Merkle tree over their events.

/** When the open batch is closed; one without events never is. */
export interface BatchDue {
  /** It is this old. */
  readonly seconds: number
  /** It has so many events. */
  readonly events: number
}

export interface BatchSeal {
  readonly events: bigint
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** What is archived. */
export interface SealedBatch {
  readonly number: string
  readonly events: string
  /** Lower-case hex. */
  readonly root: string
  /** RFC 3339 UTC. */
  readonly openedAt: string
  readonly closedAt: string
}

/** How far sealing and archiving have come. */
export interface BatchStanding {
  /** Age of the oldest event that is in no sealed batch, in seconds; 0 when all are. */
  readonly unsealed: number
  /** Since the oldest sealed batch that is not archived was closed, in seconds; 0 when all are. */
  readonly unarchived: number
  /** When one was sealed, and archived, last: seconds since 1970. */
  readonly sealedAt: number | null
  readonly archivedAt: number | null
}

export interface ArchivedEvent {
  readonly hash: Uint8Array
  /** JSON of one line: all that the store knows of it. Counts and money are decimal strings. */
  readonly text: string
}

export interface BatchStore {
  /**
   * Closes the open batch and opens the next; the number of the closed one. `unavailable` (`busy`) while events are taken for
   * longer than 200 ms: try again.
   */
  close(due: BatchDue): Promise<string | undefined>
  /** Closed batches without a seal, oldest first. */
  unsealed(limit: number): Promise<readonly string[]>
  /** SHA-256 of each event of a batch, by workspace, source and id as bytes; a page at a time, of one moment. */
  hashes(batch: string, take: (page: readonly Uint8Array[]) => void): Promise<void>
  /** False when it is sealed already. */
  seal(batch: string, seal: BatchSeal): Promise<boolean>
  /** Sealed batches that are not archived, oldest first. */
  unarchived(limit: number): Promise<readonly SealedBatch[]>
  /** The events of a batch in the order of `hashes`, likewise. */
  events(batch: string, take: (page: readonly ArchivedEvent[]) => Promise<void>): Promise<void>
  markArchived(batch: string): Promise<void>
  standing(): Promise<BatchStanding>
}
