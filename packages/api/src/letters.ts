// What is written to people, in English and Chinese in one letter: whom it goes to has not signed in yet.
import type { Mail } from '@switchyard/runtime'

export interface LinkLetter {
  readonly to: string
  readonly url: string
  /** RFC 3339. */
  readonly expiresAt: string
}

const until = (expiresAt: string) => `${expiresAt.slice(0, 16).replace('T', ' ')} UTC`

export function invitationLetter({ to, url, expiresAt }: LinkLetter): Mail {
  return {
    to,
    subject: 'You are invited to Switchyard / 邀请您使用 Switchyard',
    text: `You are invited to Switchyard. Choose your password here; the link works once, until ${until(expiresAt)}:

${url}

If you did not expect this, ignore this letter: no account is made without you.

————

邀请您使用 Switchyard。请打开以上链接设置密码。该链接只能使用一次，有效期至 ${until(expiresAt)}。
如果您没有预料到此邀请，请忽略本邮件。
`,
  }
}

export function resetLetter({ to, url, expiresAt }: LinkLetter): Mail {
  return {
    to,
    subject: 'A new password for Switchyard / 重置 Switchyard 密码',
    text: `Somebody, you we hope, has asked for a new password of your account. Choose it here; the link works once, until ${until(expiresAt)}:

${url}

If it was not you, ignore this letter: your password stays as it is.

————

有人（希望是您本人）请求重置您的账户密码。请打开以上链接设置新密码。该链接只能使用一次，有效期至 ${until(expiresAt)}。
如果不是您本人操作，请忽略本邮件，您的密码不会改变。
`,
  }
}
