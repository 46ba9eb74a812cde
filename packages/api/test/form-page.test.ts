// The forms behind one-time links, run as a browser runs them, without one.
import { createContext, runInContext } from 'node:vm'
import { expect, test } from 'vitest'
import { invitationPage, resetPage } from '../src/people-pages.ts'
import type { Answer } from '../src/route.ts'
import { setupPage } from '../src/setup-page.ts'

class Node {
  textContent = ''
  value = ''
  hidden = false
  disabled = false
  href = ''
  dataset: Record<string, string> = {}
  readonly hears = new Map<string, (event: object) => Promise<void> | void>()
  readonly inner: Node[] = []
  addEventListener(name: string, heard: (event: object) => void): void {
    this.hears.set(name, heard)
  }
  append(node: Node): void {
    this.inner.push(node)
  }
}

const bodyOf = (answer: Answer): string =>
  'body' in answer && typeof answer.body === 'string' ? answer.body : ''

/** A page at this address; `answer` is what the server says to what it posts. */
function open(
  page: Answer,
  address: string,
  answer: { ok: boolean; body: object },
  language = 'en',
  hasConsole = true,
) {
  const html = bodyOf(page)
  const nodes = new Map(
    [...html.matchAll(/<\w+[^>]*?\bid="([^"]+)"[^>]*>/g)].map(([tag, id = '']) => {
      const node = new Node()
      const word = /data-word="([^"]+)"/.exec(tag)?.[1]
      if (word !== undefined) node.dataset.word = word
      return [id, node]
    }),
  )
  const posted: { to: string; body: unknown }[] = []
  const replaced: string[] = []
  const entered: string[] = []
  const kept = new Map<string, string>()
  const { origin, hash, search } = new URL(address)
  const location = { origin, hash, search, assign: (path: string) => entered.push(path) }
  const context = createContext({
    location,
    URLSearchParams,
    localStorage: {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => kept.set(name, value),
    },
    navigator: { language },
    history: { replaceState: (_: null, __: string, path: string) => replaced.push(path) },
    document: {
      documentElement: {},
      getElementById: (id: string) => nodes.get(id),
      querySelectorAll: () => [...nodes.values()].filter(({ dataset }) => dataset.word !== undefined),
    },
    fetch: async (to: string, { body }: { body?: string } = {}) => {
      if (body === undefined) return { ok: hasConsole }
      posted.push({ to, body: JSON.parse(body) as unknown })
      return { ok: answer.ok, json: async () => answer.body }
    },
  })
  const at = (id: string) => {
    const node = nodes.get(id)
    if (!node) throw new Error(`the page has no ${id}`)
    return node
  }
  runInContext(/<script>([\s\S]*)<\/script>/.exec(html)?.[1] ?? '', context)
  return {
    at,
    posted,
    replaced,
    entered,
    kept,
    submit: () => at('form').hears.get('submit')?.({ preventDefault() {} }),
  }
}

const done = { ok: true, body: { user: { email: "o'hara@example.org" } } }
const refused = (reason: string, rule?: string) => ({
  ok: false,
  body: { error: { reason, message: 'In English.', details: rule === undefined ? [] : [{ rule }] } },
})

test.each([
  [setupPage(), 'https://ai.test/setup?token=t1', '/api/v1/setup', ['email', 'name', 'password'], true],
  [
    invitationPage(),
    'https://ai.test/invitation#token=t1',
    '/api/v1/invitations/accept',
    ['name', 'password'],
    true,
  ],
  [resetPage(), 'https://ai.test/reset#token=t1', '/api/v1/password-resets/redeem', ['password'], false],
])(
  'a form posts what it asks for with its token, and goes on to the console',
  async (page, address, to, fields, enters) => {
    const shown = open(page, address, done)
    for (const field of fields) shown.at(field).value = ` ${field} `
    await shown.submit()
    const trimmed = (field: string) => (field === 'password' ? ' password ' : field)
    const body = Object.fromEntries(fields.map(field => [field, trimmed(field)]))
    expect(shown.posted).toEqual([{ to, body: { token: 't1', ...body, ...(enters && { cookie: true }) } }])
    expect(shown.entered).toEqual(enters ? ['/console?signed-in'] : [])
    // The token does not stay in the address.
    expect(shown.replaced).toEqual([new URL(address).pathname])
    expect(shown.at('command').textContent).toBe(
      "switchyard login https://ai.test --email 'o'\\''hara@example.org'",
    )
    expect([shown.at('form').hidden, shown.at('done').hidden]).toEqual([true, false])
  },
)

test('a refusal is said in the language of the page, and the form is there again', async () => {
  const shown = open(
    invitationPage(),
    'https://ai.test/invitation#token=t1',
    refused('invitation_invalid'),
    'zh-CN',
  )
  expect(shown.at('title').textContent).toBe('加入 Switchyard')
  await shown.submit()
  expect(shown.at('problem').textContent).toBe('此邀请已被接受、撤回或已过期。请索取新的邀请。')
  expect(shown.at('submit').disabled).toBe(false)
  await shown.at('language').hears.get('click')?.({})
  expect(shown.at('problem').textContent).toContain('This invitation was accepted')
  const weak = open(
    resetPage(),
    'https://ai.test/reset#token=t1',
    refused('weak_password', 'password_common'),
  )
  await weak.submit()
  expect(weak.at('problem').textContent).toBe('This password is too common. Choose another.')
  const other = open(resetPage(), 'https://ai.test/reset#token=t1', refused('something_new'))
  await other.submit()
  expect(other.at('problem').textContent).toBe('In English.')
})

test('where there is no console, the page says how to sign in and goes nowhere', async () => {
  const shown = open(setupPage(), 'https://ai.test/setup?token=t1', done, 'en', false)
  await shown.submit()
  expect([shown.entered, shown.at('done').hidden]).toEqual([[], false])
})

test('the language that was chosen is the one that the console goes on in', async () => {
  const shown = open(setupPage(), 'https://ai.test/setup?token=t1', done)
  await shown.at('language').hears.get('click')?.({})
  expect(shown.kept.get('switchyard.preferences')).toBe('{"language":"zh"}')
})

test('an address without its token says so, and shows no form', () => {
  const shown = open(resetPage(), 'https://ai.test/reset', done)
  expect([shown.at('form').hidden, shown.at('problem').textContent]).toEqual([
    true,
    'This address lacks its token. Open the whole link that you were sent.',
  ])
})
