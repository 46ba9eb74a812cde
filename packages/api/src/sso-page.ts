// What a browser is shown when a sign-in by a provider did not come to pass, in English and Chinese at once.
import type { Fault } from '@switchyard/kinds'
import { escaped, pageAnswer, pageStyle } from './page.ts'
import type { Answer } from './route.ts'

const chinese: Readonly<Record<string, string>> = {
  sso_refused: '身份提供方未能确认您的身份，请重试。',
  sso_lost: '此次登录在别处开始或已超时，请重新开始。',
  no_account: '您在此没有账户。请联系管理员邀请您。',
  account_disabled: '您的账户已被停用。请联系管理员。',
  linked_to_another: '您的电子邮箱所对应的账户已属于该提供方的另一位用户。请联系管理员。',
  provider_unreachable: '无法连接身份提供方。请联系管理员。',
  provider_unknown: '没有这个身份提供方。',
}

const style = `:root{--width:30rem}${pageStyle}`

export function ssoRefusedPage({ status, reason, message }: Fault): Answer {
  const translated = chinese[reason] ?? '登录未成功。'
  const page = pageAnswer({
    language: 'en',
    title: 'Not signed in',
    style,
    body: `<main><h1>Not signed in <span lang="zh-CN">未登录</span></h1>
<p role="alert">${escaped(message)}</p>
<p lang="zh-CN">${escaped(translated)}</p>
<p><a href="/console">Back to the console <span lang="zh-CN">返回控制台</span></a></p></main>`,
  })
  return { ...page, status }
}
