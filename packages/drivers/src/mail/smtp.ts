// Letters by SMTP: TLS from the start with smtps://, by STARTTLS where the server offers it with smtp://.
import { Fault } from '@switchyard/kinds'
import type { Mailer, Sealed } from '@switchyard/runtime'
import { createTransport } from 'nodemailer'

export interface SmtpOptions {
  /** `smtp://` or `smtps://`, with user, password and port as needed; nodemailer's options as its query. */
  readonly url: Sealed<string>
  /** `Switchyard <switchyard@example.com>` */
  readonly from: string
}

/** Each step of a connection, and a server that says nothing. */
const milliseconds = 10_000

/** A connection for each letter: there are few, and none is held open for the next. */
export function smtpMailer({ url, from }: SmtpOptions): Mailer {
  const transport = createTransport({
    url: url.reveal(),
    connectionTimeout: milliseconds,
    greetingTimeout: milliseconds,
    socketTimeout: milliseconds,
    // A letter is made of our own text: nothing of it is to be read from files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send({ to, subject, text }) {
      try {
        await transport.sendMail({ from, to, subject, text })
      } catch (cause) {
        throw new Fault(
          'unavailable',
          'The mail server did not take the letter: see the log of the server.',
          {
            reason: 'mail_refused',
            cause,
          },
        )
      }
    },
  }
}
