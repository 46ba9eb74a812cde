// When API keys were last used. It stands beside their documents, so that no call changes a document.

export interface KeyUses {
  /** Milliseconds since 1970 by the id of the ApiKey. It is kept to the minute; what is older than what is known changes nothing. */
  tell(uses: ReadonlyMap<string, number>): Promise<void>
  /** By the id of the ApiKey, of those that were ever used; RFC 3339. */
  lastUsed(ids: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** By owner (`serviceaccount:WORKSPACE/NAME`), the newest use of any key of theirs. */
  lastUsedBy(owners: readonly string[]): Promise<ReadonlyMap<string, string>>
}
