// A letter to a person, where the installation can send any.

export interface Mail {
  readonly to: string
  readonly subject: string
  /** Plain text. */
  readonly text: string
}

export interface Mailer {
  /** Resolves once the mail server has taken it; `unavailable` when it has not. */
  send(mail: Mail): Promise<void>
}
