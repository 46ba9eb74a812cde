// The set-up form: one page without outside assets, in English and Chinese, under a policy that allows only itself.
import { createHash } from 'node:crypto'
import type { Answer } from './route.ts'

const style = `
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;box-sizing:border-box}
main{width:100%;max-width:26rem}h1{font-size:1.4rem;margin:0 0 .25rem}p{margin:.25rem 0 1rem}
label{display:block;margin:.75rem 0}input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.5rem;margin-top:.25rem}
button{font:inherit;padding:.55rem 1rem;cursor:pointer}#submit{width:100%;margin-top:.5rem}
#language{float:right;background:none;border:0;text-decoration:underline;padding:0}
[role=alert]{color:#b3261e;min-height:1.5em}@media (prefers-color-scheme:dark){[role=alert]{color:#f2b8b5}}
[hidden]{display:none}
`

const script = `
const words = {
  en: { title: 'Set up Switchyard', lead: 'Make the first administrator. This link works once.', email: 'E-mail',
    name: 'Name (optional)', password: 'Password (at least 12 characters)', submit: 'Create administrator', other: '中文',
    done: 'Done. You can close this page and sign in with', failed: 'The server could not be reached. Try again.' },
  zh: { title: '设置 Switchyard', lead: '创建第一位管理员。此链接只能使用一次。', email: '电子邮箱',
    name: '姓名（可选）', password: '密码（至少 12 个字符）', submit: '创建管理员', other: 'English',
    done: '完成。您可以关闭此页面，并使用以下账号登录：', failed: '无法连接服务器，请重试。' },
}
let language = (navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en'
const element = id => document.getElementById(id)
function say() {
  document.documentElement.lang = language
  document.title = words[language].title
  for (const node of document.querySelectorAll('[data-word]')) node.textContent = words[language][node.dataset.word]
}
element('language').addEventListener('click', () => { language = language === 'en' ? 'zh' : 'en'; say() })
element('form').addEventListener('submit', async event => {
  event.preventDefault()
  element('problem').textContent = ''
  element('submit').disabled = true
  const token = new URLSearchParams(location.search).get('token') || ''
  const email = element('email').value.trim()
  const name = element('name').value.trim()
  const body = { token, email, password: element('password').value }
  if (name) body.name = name
  try {
    const answer = await fetch('/api/v1/setup', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    if (answer.ok) {
      history.replaceState(null, '', '/setup')
      element('form').hidden = true
      element('lead').hidden = true
      element('who').textContent = email
      element('done').hidden = false
      return
    }
    element('problem').textContent = (await answer.json()).error.message
  } catch { element('problem').textContent = words[language].failed }
  element('submit').disabled = false
})
say()
`

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Set up Switchyard</title><style>${style}</style></head>
<body><main><button id="language" type="button" data-word="other">中文</button>
<h1 data-word="title">Set up Switchyard</h1>
<p id="lead" data-word="lead">Make the first administrator. This link works once.</p>
<form id="form">
<label><span data-word="email">E-mail</span><input id="email" type="email" autocomplete="username" maxlength="254" required></label>
<label><span data-word="name">Name (optional)</span><input id="name" autocomplete="name" maxlength="128"></label>
<label><span data-word="password">Password (at least 12 characters)</span><input id="password" type="password" autocomplete="new-password" minlength="12" maxlength="256" required></label>
<p id="problem" role="alert"></p>
<button id="submit" data-word="submit">Create administrator</button>
</form>
<p id="done" role="status" hidden><span data-word="done">Done. You can close this page and sign in with</span> <strong id="who"></strong></p>
</main><script>${script}</script></body></html>
`

const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const policy = [
  "default-src 'none'",
  `style-src ${digest(style)}`,
  `script-src ${digest(script)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The page says nothing about the token: only the one POST that spends it does. */
export function setupPage(): Answer {
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    },
    body: page,
  }
}
