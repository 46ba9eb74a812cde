// The forms behind the links that people are sent: accepting an invitation, and setting a new password.
import { formPage } from './form-page.ts'
import type { Answer } from './route.ts'

const absent = {
  en: 'This address lacks its token. Open the whole link that you were sent.',
  zh: '此地址缺少令牌。请打开您收到的完整链接。',
}
const done = { en: 'Or sign in from a terminal:', zh: '也可以在终端中登录：' }

export function invitationPage(): Answer {
  return formPage({
    path: '/invitation',
    to: '/api/v1/invitations/accept',
    fields: ['name', 'password'],
    enters: true,
    words: {
      en: {
        title: 'Join Switchyard',
        lead: 'You are invited. Choose a password; this link works once.',
        submit: 'Accept the invitation',
        ready: 'Welcome to Switchyard',
        done: done.en,
        absent: absent.en,
      },
      zh: {
        title: '加入 Switchyard',
        lead: '您已受邀加入。请设置密码；此链接只能使用一次。',
        submit: '接受邀请',
        ready: '欢迎使用 Switchyard',
        done: done.zh,
        absent: absent.zh,
      },
    },
    refusals: {
      en: {
        invitation_invalid: 'This invitation was accepted or withdrawn, or has expired. Ask for another.',
        invitation_void: 'Whoever invited you may no longer do so. Ask for another invitation.',
      },
      zh: {
        invitation_invalid: '此邀请已被接受、撤回或已过期。请索取新的邀请。',
        invitation_void: '邀请您的人已无权邀请。请索取新的邀请。',
      },
    },
  })
}

export function resetPage(): Answer {
  return formPage({
    path: '/reset',
    to: '/api/v1/password-resets/redeem',
    fields: ['password'],
    enters: false,
    words: {
      en: {
        title: 'Set a new password',
        lead: 'Every session of your account ends with it. This link works once.',
        submit: 'Set the password',
        ready: 'Your password is set',
        done: done.en,
        absent: absent.en,
      },
      zh: {
        title: '设置新密码',
        lead: '设置后，您账户的所有会话都会结束。此链接只能使用一次。',
        submit: '设置密码',
        ready: '密码已设置',
        done: done.zh,
        absent: absent.zh,
      },
    },
    refusals: {
      en: {
        reset_link_invalid: 'This link was used before, was replaced, or has expired. Ask for another.',
      },
      zh: { reset_link_invalid: '此链接已被使用、被替换或已过期。请索取新链接。' },
    },
  })
}
