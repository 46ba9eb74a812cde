// What guessing brings, and what a stolen copy of the database would.
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectStatus, type Harness, type Person, start, workspaceDocument } from './harness.ts'

let h: Harness
let ann: Person
let bob: Person
beforeAll(async () => {
  h = await start({ address: ({ headers }) => String(headers['x-test-address'] ?? '127.0.0.1') })
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('team') }), 201)
  ann = await h.person('ann', { team: ['developer'] })
  bob = await h.person('bob')
})
afterAll(() => h[Symbol.asyncDispose]())

const login = (email: string, password: string, address: string) =>
  h.call('POST', '/api/v1/sessions', {
    token: null,
    body: { email, password },
    headers: { 'x-test-address': address },
  })

test('CP5.24: a thousand guesses are a few, and lock out nobody else', { timeout: 60_000 }, async () => {
  /** Each from an address of its own, twenty at once. */
  const guess = async (email: string, batches: number) => {
    const began = performance.now()
    const statuses: number[] = []
    for (let batch = 0; batch < batches; batch++)
      statuses.push(
        ...(await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            login(email, randomBytes(9).toString('base64'), `10.0.${batch}.${i}`).then(
              ({ status }) => status,
            ),
          ),
        )),
      )
    expect(new Set(statuses)).toEqual(new Set([401, 429]))
    // Five at once, then after 1, 2, 4 … seconds.
    const seconds = (performance.now() - began) / 1000
    const tried = statuses.filter(status => status === 401).length
    expect(tried).toBeGreaterThanOrEqual(5)
    expect(tried).toBeLessThanOrEqual(5 + Math.ceil(Math.log2(seconds + 2)))
    return statuses.length
  }
  expect(await guess(ann.email, 50)).toBe(1000)
  const waiting = await login(ann.email, ann.password, '10.9.9.9')
  expect(waiting.body.error.reason).toBe('sign_in_backoff')
  expectStatus(await login(bob.email, bob.password, '10.9.9.9'), 201)
  // An account that there is not waits alike.
  expect(await guess('nobody@example.org', 5)).toBe(100)
  await backdate('login_failures', 'last_at')
  expectStatus(await login(ann.email, ann.password, '10.9.9.9'), 201)
})

test('CP5.30: a dump of the database holds nothing that lets anyone in', async () => {
  const secrets: string[] = [ann.password, ann.refreshToken, ann.token]
  const keep = (text: string, pattern: RegExp) => secrets.push(pattern.exec(text)?.[1] ?? '')
  const spec = { owner: { kind: 'User', name: 'ann' } }
  const keys = '/api/v1/workspaces/team/apikeys'
  const made = await h.call('POST', keys, { token: ann.token, body: { metadata: { name: 'k' }, spec } })
  keep(made.text, /"secret":"([^"]+)"/)
  const rotated = await h.call('POST', `${keys}/k/actions/rotate`, {
    token: ann.token,
    body: { overlapSeconds: 60 },
  })
  keep(rotated.text, /"secret":"([^"]+)"/)
  const invited = await h.call('POST', '/api/v1/invitations', { body: { email: 'new@example.org' } })
  keep(invited.text, /#token=(\w{43})/)
  keep((await h.call('POST', '/api/v1/users/bob/password-reset')).text, /#token=(\w{43})/)
  secrets.push(await h.api.mintSetupToken(), await h.api.mintOperatorToken())
  expect(secrets.every(secret => secret.length > 12)).toBe(true)

  const client = new Client({ connectionString: h.database.url, options: '-c search_path=switchyard' })
  await client.connect()
  const { rows: tables } = await client.query<{ name: string }>(
    "select quote_ident(tablename) as name from pg_tables where schemaname = 'switchyard'",
  )
  let dump = ''
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
    dump += rows.map(({ row }) => row).join('\n')
  }
  await client.end()
  expect(dump).toContain('new@example.org')
  expect(secrets.filter(secret => dump.includes(secret))).toEqual([])
  // Nor the private half of what signs sessions.
  expect(dump).not.toMatch(/"d"\s*:\s*"/)
})

/** An hour ago. */
async function backdate(table: string, column: string): Promise<void> {
  const client = new Client({ connectionString: h.database.url })
  await client.connect()
  await client.query(
    `set role switchyard_owner; update switchyard.${table} set ${column} = ${column} - interval '1 hour'`,
  )
  await client.end()
}
