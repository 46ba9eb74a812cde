// The set-up form: one page without outside assets, in English and Chinese, under a policy that allows only itself.
import { pageAnswer, pageStyle } from './page.ts'
import type { Answer } from './route.ts'

const style = `:root{--width:26rem}${pageStyle}
label{display:block;margin:1rem 0 0}small{display:block;color:var(--quiet)}
input{display:block;width:100%;font:inherit;padding:.5rem .625rem;margin-top:.25rem;border:1px solid var(--line);border-radius:.375rem;background:transparent;color:inherit}
button{font:inherit;cursor:pointer}.link{background:none;border:0;padding:0;text-decoration:underline}
#submit{width:100%;margin-top:1.25rem;padding:.6rem 1rem;border:0;border-radius:.375rem;background:var(--strong);color:var(--on);font-weight:600}
#submit:disabled{opacity:.6;cursor:default}:focus-visible{outline:2px solid var(--strong);outline-offset:2px}
#problem{color:var(--bad);margin-top:1rem}#problem:empty{display:none}
`

// Refusals that a person can mend are said in the page's language, by their rule or reason; any other as it came.
const script = `
const words = {
  en: { title: 'Set up Switchyard', lead: 'Make the first administrator. This link works once.', email: 'E-mail',
    name: 'Name (optional)', password: 'Password', hint: 'At least 12 characters.', submit: 'Create administrator', other: '中文',
    ready: 'Switchyard is set up', done: 'You are the administrator. Sign in from a terminal:',
    failed: 'The server could not be reached. Try again.',
    absent: 'This address lacks its token. Open the whole link that the server printed when it started.' },
  zh: { title: '设置 Switchyard', lead: '创建第一位管理员。此链接只能使用一次。', email: '电子邮箱',
    name: '姓名（可选）', password: '密码', hint: '至少 12 个字符。', submit: '创建管理员', other: 'English',
    ready: 'Switchyard 已设置完成', done: '您已成为管理员。请在终端中登录：',
    failed: '无法连接服务器，请重试。',
    absent: '此地址缺少令牌。请打开服务器启动时打印的完整链接。' },
}
const refusals = {
  en: { password_common: 'This password is too common. Choose another.', password_email: 'The password must not be the e-mail address.',
    too_small: 'The password needs at least 12 characters.', too_big: 'The password is too long.',
    invalid_format: 'This is not an e-mail address.', taken: 'There is already a user with this e-mail address.',
    setup_link_invalid: 'This link was used before or has expired. Ask whoever runs the server for a new one.' },
  zh: { password_common: '该密码过于常见，请换一个。', password_email: '密码不能与电子邮箱相同。',
    too_small: '密码至少需要 12 个字符。', too_big: '密码过长。',
    invalid_format: '电子邮箱格式不正确。', taken: '该电子邮箱已被使用。',
    setup_link_invalid: '此链接已被使用或已过期。请向服务器的运维人员索取新链接。' },
}
let language = (navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en'
let problem = () => ''
const token = new URLSearchParams(location.search).get('token')
const element = id => document.getElementById(id)
function say() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  for (const node of document.querySelectorAll('[data-word]')) node.textContent = words[language][node.dataset.word]
  document.title = element('title').textContent
  element('problem').textContent = problem()
}
const quoted = text => /^[a-z0-9@._+-]+$/i.test(text) ? text : "'" + text.replaceAll("'", "'\\\\''") + "'"
function refuse(text) { problem = text; say() }
element('language').addEventListener('click', () => { language = language === 'en' ? 'zh' : 'en'; say() })
element('form').addEventListener('submit', async event => {
  event.preventDefault()
  refuse(() => '')
  element('submit').disabled = true
  const email = element('email').value.trim()
  const name = element('name').value.trim()
  const body = { token, email, password: element('password').value }
  if (name) body.name = name
  try {
    const answer = await fetch('/api/v1/setup', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    if (answer.ok) {
      history.replaceState(null, '', '/setup')
      element('form').hidden = element('lead').hidden = true
      element('title').dataset.word = 'ready'
      element('command').textContent = 'switchyard login ' + location.origin + ' --email ' + quoted(email)
      element('done').hidden = false
      say()
      return
    }
    const { reason, message, details } = (await answer.json()).error
    const known = [...details.map(({ rule }) => rule), reason].find(word => word in refusals.en)
    refuse(() => known ? refusals[language][known] : message)
  } catch { refuse(() => words[language].failed) }
  element('submit').disabled = false
})
if (!token) {
  element('form').hidden = element('lead').hidden = true
  element('main').append(element('problem'))
  problem = () => words[language].absent
}
say()
`

const body = `<main id="main">
<header><h1 id="title" data-word="title">Set up Switchyard</h1><button id="language" class="link" type="button" data-word="other">中文</button></header>
<p id="lead" data-word="lead">Make the first administrator. This link works once.</p>
<form id="form">
<label><span data-word="email">E-mail</span><input id="email" type="email" autocomplete="username" maxlength="254" required autofocus></label>
<label><span data-word="name">Name (optional)</span><input id="name" autocomplete="name" maxlength="128"></label>
<label><span data-word="password">Password</span><input id="password" type="password" autocomplete="new-password" minlength="12" maxlength="256" required><small data-word="hint">At least 12 characters.</small></label>
<p id="problem" role="alert"></p>
<button id="submit" data-word="submit">Create administrator</button>
</form>
<div id="done" role="status" hidden><p data-word="done">You are the administrator. Sign in from a terminal:</p><pre id="command"></pre></div>
</main>`

/** The page says nothing about the token: only the one POST that spends it does. */
export function setupPage(): Answer {
  return pageAnswer({ language: 'en', title: 'Set up Switchyard', style, body, script })
}
