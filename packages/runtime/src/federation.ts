// Whom outside providers know: links of their subjects to people, the groups that they tell, and one-time codes that
// hand a sign-in over to a program.

/** Id and name of a User document. */
export interface PersonRef {
  readonly id: string
  readonly name: string
}

export interface SignInCode {
  /** Lower-case hex SHA-256 of the code. */
  readonly hash: string
  /** Base64url SHA-256 of what the program keeps to itself. */
  readonly challenge: string
  readonly person: PersonRef
  readonly provider: string
}

export interface FederationStore {
  /** Who a subject is linked to. */
  linked(issuer: string, subject: string): Promise<PersonRef | undefined>
  /** False where the subject is another person's, or the person another subject's of this issuer. */
  link(issuer: string, subject: string, person: PersonRef): Promise<boolean>
  /** What the provider says now, in place of what it said before. */
  setGroups(person: PersonRef, provider: string, groups: readonly string[]): Promise<void>
  groups(person: PersonRef): Promise<readonly { readonly provider: string; readonly group: string }[]>
  putSignInCode(code: SignInCode, seconds: number): Promise<void>
  /** Spends it, whatever it is then used for. */
  takeSignInCode(hash: string): Promise<SignInCode | undefined>
}
