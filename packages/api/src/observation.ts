// What the API says about itself.

export type ApiObservation =
  | {
      readonly type: 'request'
      readonly method: string
      /** Path of the row, with its parameters unfilled; undefined when none fits. */
      readonly route: string | undefined
      readonly status: number
      readonly milliseconds: number
      readonly requestId: string
      readonly principal: string | undefined
    }
  /** A fault of the server: its cause is for the log and never for the caller. */
  | { readonly type: 'failure'; readonly requestId: string; readonly error: unknown }
  /** Refusals that the trail could not be told of yet. */
  | { readonly type: 'denial_not_told'; readonly count: number; readonly error: unknown }
  /** A letter was not taken by the mail server. */
  | { readonly type: 'mail_failed'; readonly error: unknown }
  /** A sign-in by an IdentityProvider did not come to pass. */
  | { readonly type: 'sso_failed'; readonly provider: string; readonly error: unknown }
