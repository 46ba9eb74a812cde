// One request of a caller and its answer, whoever has parsed it: node's own server, or ours.

/** What is heard of a request's body and of the connection that it came on. */
export interface InboundHearer {
  onBody(chunk: Buffer): void
  /** The body is whole. */
  onWhole(): void
  /** The caller takes bytes again after `write` was false. */
  onDrain(): void
  /** Once: the answer has left whole, or the connection is gone. Nothing is heard after it. */
  onClose(): void
}

/** What is remembered of a connection as long as it lives. */
export interface Link {
  /** The key that its last request has shown, and the hash of that. */
  key: string
  digest: string
}

export interface Inbound {
  readonly link: Link
  readonly method: string
  /** The request target as it was sent. */
  readonly url: string
  /** Names and values in turn, as they were sent, duplicates included. */
  readonly headers: readonly string[]
  /** Address of the peer's socket; '' when it is gone. */
  readonly peer: string
  /** The whole body has been read. */
  readonly complete: boolean
  readonly closed: boolean
  /** Bytes of the answer that the caller has not yet taken. */
  readonly waiting: number
  /** Begins to read the body. An answer without it leaves the body unread. */
  listen(hearer: InboundHearer): void
  /** Nothing more of the body is heard until `resume`, but for what is on its way. */
  pause(): void
  resume(): void
  /** `100 Continue`. */
  proceed(): void
  /** Status line and headers (names and values in turn) of an answer whose length is not known: it is chunked. */
  head(status: number, headers: readonly string[]): void
  /** Part of an answer that `head` began; false when the caller should be waited for. */
  write(bytes: Buffer | string): boolean
  /** Ends an answer that `head` began. `close` ends the connection after it. */
  end(bytes?: Buffer | string, close?: boolean): void
  /** A whole answer; `content-length` is added. `connection: close` among the headers closes it after. */
  reply(status: number, headers: readonly string[], body: Buffer | string): void
  /** Closes the connection at once. */
  destroy(): void
}
