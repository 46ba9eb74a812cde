// The set-up form: the first administrator.
import { formPage } from './form-page.ts'
import type { Answer } from './route.ts'

export function setupPage(): Answer {
  return formPage({
    path: '/setup',
    to: '/api/v1/setup',
    fields: ['email', 'name', 'password'],
    enters: true,
    words: {
      en: {
        title: 'Set up Switchyard',
        lead: 'Make the first administrator. This link works once.',
        submit: 'Create administrator',
        ready: 'Switchyard is set up',
        done: 'You are the administrator. From a terminal, sign in with:',
        absent: 'This address lacks its token. Open the whole link that the server printed when it started.',
      },
      zh: {
        title: '设置 Switchyard',
        lead: '创建第一位管理员。此链接只能使用一次。',
        submit: '创建管理员',
        ready: 'Switchyard 已设置完成',
        done: '您已成为管理员。也可以在终端中登录：',
        absent: '此地址缺少令牌。请打开服务器启动时打印的完整链接。',
      },
    },
    refusals: {
      en: {
        setup_link_invalid:
          'This link was used before or has expired. Ask whoever runs the server for a new one.',
      },
      zh: { setup_link_invalid: '此链接已被使用或已过期。请向服务器的运维人员索取新链接。' },
    },
  })
}
