// Forms behind one-time links: one page without outside assets, in English and Chinese, under a policy that allows only
// itself. The pages differ in their words and fields alone.
import { escaped, pageAnswer, pageStyle } from './page.ts'
import type { Answer } from './route.ts'

/** What a form may ask for. */
const fields = {
  email: 'type="email" autocomplete="username" maxlength="254" required',
  name: 'autocomplete="name" maxlength="128"',
  password: 'type="password" autocomplete="new-password" minlength="12" maxlength="256" required',
} as const
type Field = keyof typeof fields

/** `fields`, what they are called in both languages, is said once for all forms. */
type Word = 'title' | 'lead' | 'submit' | 'ready' | 'done' | 'absent'
type Words = Readonly<Record<Word, string>>

export interface FormPage {
  /** Address of the page itself, without its token. */
  readonly path: string
  /** Where the form is posted. */
  readonly to: string
  readonly fields: readonly Field[]
  /** What is posted opens a session, which the browser keeps in a cookie; it goes on to the console. */
  readonly enters: boolean
  readonly words: { readonly en: Words; readonly zh: Words }
  /** What a refusal means, by its reason or a detail's rule. */
  readonly refusals: {
    readonly en: Readonly<Record<string, string>>
    readonly zh: Readonly<Record<string, string>>
  }
}

const common = {
  en: {
    email: 'E-mail',
    name: 'Name (optional)',
    password: 'Password',
    hint: 'At least 12 characters.',
    enter: 'Open the console',
    other: '中文',
    failed: 'The server could not be reached. Try again.',
  },
  zh: {
    email: '电子邮箱',
    name: '姓名（可选）',
    password: '密码',
    hint: '至少 12 个字符。',
    enter: '打开控制台',
    other: 'English',
    failed: '无法连接服务器，请重试。',
  },
} as const

const commonRefusals = {
  en: {
    password_common: 'This password is too common. Choose another.',
    password_email: 'The password must not be the e-mail address.',
    too_small: 'The password needs at least 12 characters.',
    too_big: 'The password is too long.',
    invalid_format: 'This is not an e-mail address.',
    taken: 'There is already a user with this e-mail address.',
  },
  zh: {
    password_common: '该密码过于常见，请换一个。',
    password_email: '密码不能与电子邮箱相同。',
    too_small: '密码至少需要 12 个字符。',
    too_big: '密码过长。',
    invalid_format: '电子邮箱格式不正确。',
    taken: '该电子邮箱已被使用。',
  },
} as const

const style = `:root{--width:26rem}${pageStyle}
label{display:block;margin:1rem 0 0}small{display:block;color:var(--quiet)}
input{display:block;width:100%;font:inherit;padding:.5rem .625rem;margin-top:.25rem;border:1px solid var(--line);border-radius:.375rem;background:transparent;color:inherit}
button{font:inherit;cursor:pointer}.link{background:none;border:0;padding:0;text-decoration:underline}
#submit{width:100%;margin-top:1.25rem;padding:.6rem 1rem;border:0;border-radius:.375rem;background:var(--strong);color:var(--on);font-weight:600}
#submit:disabled{opacity:.6;cursor:default}:focus-visible{outline:2px solid var(--strong);outline-offset:2px}
a.enter{display:block;text-align:center;margin:1.25rem 0;padding:.6rem 1rem;border-radius:.375rem;background:var(--strong);color:var(--on);font-weight:600;text-decoration:none}
#problem{color:var(--bad);margin-top:1rem}#problem:empty{display:none}
`

// The token stands behind the # of a link, which no browser sends and no log keeps; the set-up link has it as ?token.
// The language is the one that the console remembers, which goes on in the one that was chosen here.
const script = ({ path, to, fields, enters, words, refusals }: FormPage) => `
const form = ${JSON.stringify({ path, to, fields, enters })}
const words = ${JSON.stringify({ en: { ...common.en, ...words.en }, zh: { ...common.zh, ...words.zh } })}
const refusals = ${JSON.stringify({ en: { ...commonRefusals.en, ...refusals.en }, zh: { ...commonRefusals.zh, ...refusals.zh } })}
const place = 'switchyard.preferences'
const kept = () => { try { return JSON.parse(localStorage.getItem(place)) || {} } catch { return {} } }
const keep = language => { try { localStorage.setItem(place, JSON.stringify({ ...kept(), language })) } catch {} }
let language = words[kept().language] ? kept().language : (navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en'
let problem = () => ''
const token = new URLSearchParams(location.hash.slice(1) || location.search).get('token')
const element = id => document.getElementById(id)
function say() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  for (const node of document.querySelectorAll('[data-word]')) node.textContent = words[language][node.dataset.word]
  document.title = element('title').textContent
  element('problem').textContent = problem()
}
const quoted = text => /^[a-z0-9@._+-]+$/i.test(text) ? text : "'" + text.replaceAll("'", "'\\\\''") + "'"
function refuse(text) { problem = text; say() }
element('language').addEventListener('click', () => { language = language === 'en' ? 'zh' : 'en'; keep(language); say() })
element('form').addEventListener('submit', async event => {
  event.preventDefault()
  refuse(() => '')
  element('submit').disabled = true
  const body = form.enters ? { token, cookie: true } : { token }
  for (const field of form.fields) {
    const value = field === 'password' ? element(field).value : element(field).value.trim()
    if (value) body[field] = value
  }
  try {
    const answer = await fetch(form.to, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    if (answer.ok) {
      const { user } = await answer.json()
      history.replaceState(null, '', form.path)
      element('form').hidden = element('lead').hidden = true
      element('title').dataset.word = 'ready'
      element('command').textContent = 'switchyard login ' + location.origin + ' --email ' + quoted(user.email)
      element('done').hidden = false
      element('enter').href = form.enters ? '/console?signed-in' : '/console'
      say()
      // A server without the console says here how to sign in otherwise.
      if (form.enters && (await fetch('/console')).ok) location.assign('/console?signed-in')
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

function input(field: Field, focused: boolean): string {
  const hint = field === 'password' ? `<small data-word="hint">${common.en.hint}</small>` : ''
  return `<label><span data-word="${field}">${common.en[field]}</span><input id="${field}" ${fields[field]}${focused ? ' autofocus' : ''}>${hint}</label>`
}

const body = ({ fields, words: { en } }: FormPage) => `<main id="main">
<header><h1 id="title" data-word="title">${escaped(en.title)}</h1><button id="language" class="link" type="button" data-word="other">中文</button></header>
<p id="lead" data-word="lead">${escaped(en.lead)}</p>
<form id="form">
${fields.map((field, place) => input(field, place === 0)).join('\n')}
<p id="problem" role="alert"></p>
<button id="submit" data-word="submit">${escaped(en.submit)}</button>
</form>
<div id="done" role="status" hidden><p><a id="enter" class="enter" data-word="enter">${common.en.enter}</a></p><p data-word="done">${escaped(en.done)}</p><pre id="command"></pre></div>
</main>`

/** The page says nothing about the token: only the one POST that spends it does. */
export function formPage(page: FormPage): Answer {
  return pageAnswer({
    language: 'en',
    title: page.words.en.title,
    style,
    body: body(page),
    script: script(page),
  })
}
