// Letters as a real SMTP server takes them.
import { once } from 'node:events'
import { Sealed } from '@switchyard/runtime'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { smtpMailer } from '../src/mail/smtp.ts'

const taken: { readonly from: string; readonly to: readonly string[]; readonly text: string }[] = []
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onAuth({ username, password }, _session, done) {
    if (username === 'post' && password === 'box') done(null, { user: username })
    else done(new Error('wrong'))
  },
  onRcptTo({ address }, _session, done) {
    done(address.startsWith('nobody') ? new Error('no such box') : null)
  },
  onData(stream, { envelope }, done) {
    let text = ''
    stream.setEncoding('utf8').on('data', part => {
      text += part
    })
    stream.on('end', () => {
      const from = envelope.mailFrom ? envelope.mailFrom.address : ''
      taken.push({ from, to: envelope.rcptTo.map(({ address }) => address), text })
      done()
    })
  },
})
let port = 0
beforeAll(async () => {
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const address = listening.address()
  port = typeof address === 'object' && address ? address.port : 0
})
afterAll(() => new Promise<void>(resolve => server.close(() => resolve())))

const mailer = (user = 'post:box@') =>
  smtpMailer({ url: new Sealed(`smtp://${user}127.0.0.1:${port}`), from: 'Switchyard <sy@example.org>' })
const letter = {
  to: 'ann@example.org',
  subject: 'Hello 你好',
  text: 'A link:\n\nhttps://x.test/reset#token=abc\n',
}

test('a letter arrives with its sender, its subject and its text', async () => {
  await mailer().send(letter)
  expect(taken[0]).toMatchObject({ from: 'sy@example.org', to: ['ann@example.org'] })
  expect(taken[0]?.text).toMatch(/^From: Switchyard <sy@example.org>\r?$/m)
  expect(taken[0]?.text).toContain('=?UTF-8?')
  expect(taken[0]?.text).toContain('https://x.test/reset#token=abc')
})

test.each([
  ['a box that is not there', () => mailer().send({ ...letter, to: 'nobody@example.org' })],
  ['a wrong password', () => mailer('post:wrong@').send(letter)],
  [
    'a server that is not there',
    () => smtpMailer({ url: new Sealed('smtp://127.0.0.1:1'), from: 'sy@example.org' }).send(letter),
  ],
])('%s is said to be unavailable, without the password', async (_, send) => {
  const refused = await send().catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'unavailable', reason: 'mail_refused' })
  expect(String(refused)).not.toContain('box')
})

test('a second line in an address or a subject makes no header of its own', async () => {
  await mailer().send({ ...letter, subject: 'Hello\r\nBcc: eve@example.org' })
  expect(taken.at(-1)?.to).toEqual(['ann@example.org'])
  expect(taken.at(-1)?.text).not.toMatch(/^Bcc:/m)
})
