// A session, an account or a right that is taken away at one control plane is gone at three, for new calls and for
// streams that are open.
import { createServer } from 'node:http'
import { openStore } from '@switchyard/store'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectStatus, type Harness, type Person, start, workspaceDocument } from './harness.ts'

let first: Harness
/** Addresses of three control planes, each with connections and a listener of its own. */
const urls: string[] = []
const stack = new AsyncDisposableStack()

beforeAll(async () => {
  const cursorKey = new Uint8Array(32).fill(7)
  first = stack.use(await start({ cursorKey }))
  urls.push(first.url)
  for (let number = 0; number < 2; number++) {
    const opened = stack.use(openStore({ url: first.database.url, connections: 5 }))
    urls.push(await another(opened, cursorKey))
  }
  expectStatus(await first.call('POST', '/api/v1/workspaces', { body: workspaceDocument('team') }), 201)
})
afterAll(() => stack.disposeAsync())

async function another(opened: ReturnType<typeof openStore>, cursorKey: Uint8Array): Promise<string> {
  const { store, secrets, identity, usage, audit, ledger, prices } = opened
  const api = await first.another({
    store,
    secrets,
    identity,
    usage,
    audit,
    ledger,
    prices,
    cursorKey,
    vault: opened.openVault([first.masterKey]),
  })
  stack.defer(() => api.close())
  const server = createServer((request, response) => api.handle(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

const ask = (url: string, token: string, path: string) =>
  fetch(url + path, { headers: { authorization: `Bearer ${token}` } })

/** Begins a watch and resolves with how it ends. */
async function watch(
  url: string,
  token: string,
): Promise<{ readonly ended: Promise<{ text: string; at: number }> }> {
  const response = await ask(url, token, '/api/v1/workspaces/team/endpoints?watch=true')
  expect(response.status).toBe(200)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const begun = await reader.read()
  const read = async () => {
    let text = begun.value ?? ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { text, at: performance.now() }
      text += value
    }
  }
  return { ended: read() }
}

const admin = (method: string, path: string, body?: object) =>
  first.call(method, path, body === undefined ? {} : { body })
const causes: readonly [string, (person: Person) => Promise<unknown>, RegExp][] = [
  [
    'a session is ended',
    ({ name }) => admin('DELETE', `/api/v1/users/${name}/sessions`),
    /"code":"unauthenticated"/,
  ],
  [
    'an account is disabled',
    ({ name }) => admin('PATCH', `/api/v1/users/${name}`, { spec: { disabled: true } }),
    /"code":"unauthenticated"/,
  ],
  [
    'a role is taken away',
    ({ name }) => admin('DELETE', `/api/v1/workspaces/team/roleassignments/${name}-developer`),
    /"code":"expired"/,
  ],
]

describe('CP5.28: at three control planes, within a second', () => {
  test.each(causes)('%s: calls are refused and watches ended', async (cause, act, word) => {
    const waits: number[] = []
    for (let round = 0; round < 4; round++) {
      const name = `p${causes.findIndex(([each]) => each === cause)}-${round}`
      const person = await first.person(name, { team: ['developer'] })
      const watches = await Promise.all(urls.map(url => watch(url, person.token)))
      await act(person)
      const told = performance.now()
      for (const url of urls)
        expect((await ask(url, person.token, '/api/v1/workspaces/team/endpoints')).status).toBeGreaterThan(
          400,
        )
      for (const { text, at } of await Promise.all(watches.map(({ ended }) => ended))) {
        waits.push(Math.max(0, at - told))
        expect(text).toMatch(word)
      }
    }
    console.info(
      `${cause}: watches of three control planes ended after ${Math.round(Math.max(...waits))} ms at most`,
    )
    expect(Math.max(...waits)).toBeLessThan(1000)
  })
})
