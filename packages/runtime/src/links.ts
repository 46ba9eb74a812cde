// Links that let a person in once: an invitation, or a new password. They are kept as hashes (lower-case hex SHA-256).
import type { PersonRef } from './federation.ts'

/** A role to be given; workspace null is everywhere. */
export interface InvitedRole {
  /** Name of a Role as a RoleAssignment has it: of that workspace, or `platform/NAME`. */
  readonly role: string
  readonly workspace: string | null
}

export interface Invitation {
  readonly id: string
  /** Lower case. */
  readonly email: string
  readonly displayName?: string
  readonly roles: readonly InvitedRole[]
  /** Principal in whose name the account will be made. */
  readonly invitedBy: string
  /** What narrowed the inviter's rights. */
  readonly scopes: readonly string[]
  /** Set where the inviter was a key of one workspace. */
  readonly workspace?: string
  readonly createdAt: string
  readonly expiresAt: string
}

export type NewInvitation = Omit<Invitation, 'createdAt' | 'expiresAt'>

export interface LinkStore {
  /** Keeps an invitation in place of an earlier one of the same e-mail. */
  putInvitation(invitation: NewInvitation, hash: string, seconds: number): Promise<Invitation>
  /** Those that still stand, newest first, at most 1,000. */
  invitations(): Promise<readonly Invitation[]>
  /** What a link still promises. */
  invitation(hash: string): Promise<Invitation | undefined>
  /** Spends it: at most one asker is told true. */
  takeInvitation(hash: string): Promise<boolean>
  /** Puts back one whose account could not be made, unless another one stands for its e-mail. */
  restoreInvitation(invitation: Invitation, hash: string): Promise<void>
  /** False when there is none of this id. */
  withdrawInvitation(id: string): Promise<boolean>
  /** A link for a person, in place of an earlier one. */
  putReset(
    link: PersonRef & { readonly hash: string; readonly madeBy: string; readonly seconds: number },
  ): Promise<{ readonly expiresAt: string }>
  /** Whose password a link may still set. */
  reset(hash: string): Promise<PersonRef | undefined>
  /** Spends it: at most one asker is told true. */
  takeReset(hash: string): Promise<boolean>
}
