// Passwords: which are accepted, how they are kept (argon2id), and how often they may be tried.
import { hash, verify } from '@node-rs/argon2'
import { type Detail, Fault } from '@switchyard/kinds'
import { commonPasswords } from './common-passwords.ts'

// `algorithm: 2` is argon2id; the package declares a const enum, which erasable syntax cannot import.
const parameters = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 }

/** What is wrong with a password, as details of an `invalid` fault; none when it is accepted. */
export function passwordProblems(password: string, email: string, path: string): readonly Detail[] {
  const text = password.normalize('NFKC')
  const lower = text.toLowerCase()
  const account = email.toLowerCase()
  const problems: Detail[] = []
  const problem = (rule: string, message: string) => problems.push({ path, rule, message })
  if (Array.from(text).length < 12) problem('too_small', 'use at least 12 characters')
  if (Buffer.byteLength(text) > 256) problem('too_big', 'use at most 256 bytes')
  if (lower === account || lower === account.split('@')[0]) problem('password_email', 'do not use the e-mail')
  if (commonPasswords.has(lower) || /^(.)\1*$/u.test(lower))
    problem('password_common', 'this password is on the list of common ones; use another')
  return problems
}

/** Whether a PHC string was made with weaker parameters than today's. */
export function isWeak(phc: string): boolean {
  const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(phc) ?? []
  return Number(memory ?? 0) < parameters.memoryCost || Number(time ?? 0) < parameters.timeCost
}

export interface Passwords {
  /** PHC string. */
  hash(password: string): Promise<string>
  /** Takes the same time whether or not there is a stored hash. */
  verify(stored: string | undefined, password: string): Promise<boolean>
}

/** At most 4 hashes at once and 64 waiting, because each takes 19 MiB; beyond that `exhausted`. */
export function createPasswords({ atOnce = 4, queue = 64 } = {}): Passwords {
  const limited = createGate(atOnce, queue)
  // What an unknown account is compared with, so that it answers as late as a wrong password does.
  let nobody: Promise<string> | undefined

  return {
    hash: password => limited(() => hash(password.normalize('NFKC'), parameters)),
    verify: (stored, password) =>
      limited(async () => {
        nobody ??= hash('the password of nobody', parameters)
        const matches = await verify(stored ?? (await nobody), password.normalize('NFKC'))
        return stored !== undefined && matches
      }),
  }
}

function createGate(atOnce: number, queue: number) {
  let running = 0
  const waiting: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (waiting.length >= queue)
        throw new Fault('exhausted', 'Too many sign-ins at once. Try again in a few seconds.', {
          reason: 'sign_in_queue_full',
          retryAfterSeconds: 2,
        })
      // The one who leaves hands over the place, so `running` stays as it is.
      await new Promise<void>(resolve => waiting.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
