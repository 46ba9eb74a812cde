// The only reader of the environment in the server: every setting with its name, unit, default and doc.
import { resolve } from 'node:path'
import type { CommandOptions } from '@switchyard/drivers/root-keys/command'
import type { DoorOptions } from '@switchyard/gateway'
import { Fault, type LimitsSpec, limitsSchema } from '@switchyard/kinds'
import { Sealed } from '@switchyard/runtime'
import { z } from 'zod'
import { type AuditSettings, auditSettings, auditShape } from './audit-settings.ts'
import { doorSettings, doorShape, type TlsSettings, tlsSettings } from './door-settings.ts'
import { type TelemetrySettings, telemetrySettings, telemetryShape } from './telemetry-settings.ts'
import { type UsageSettings, usageSettings, usageShape } from './usage-settings.ts'

const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most)

/** Base64 of 32 bytes, padded or not. */
export const secretKeyPattern = /^[A-Za-z0-9+/_-]{43}=?$/

const secretKeys = z
  .string()
  .transform(text => text.split(',').map(key => key.trim()))
  .refine(keys => keys.every(key => secretKeyPattern.test(key)), 'must be base64 of 32 bytes')
  .transform(keys => keys.map(key => new Sealed<Uint8Array>(Buffer.from(key, 'base64'))))

/** JSON of a program and its arguments: no shell reads it. */
const commandLine = z.string().transform((text, context): readonly string[] => {
  const parsed = z.array(z.string().min(1)).min(1).safeParse(json(text))
  if (parsed.success) return parsed.data
  context.addIssue({
    code: 'custom',
    message: 'must be a JSON array such as ["/usr/local/bin/kms","--key","prod"]',
  })
  return z.NEVER
})

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // which no schema takes
  }
}

/** JSON of limits; what is wrong with it is told by its place. */
const platformLimits = z.string().transform((text, context): LimitsSpec => {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON such as {"requests":{"perSecond":100}}' })
    return z.NEVER
  }
  const parsed = limitsSchema.safeParse(given)
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues)
    context.addIssue({ code: 'custom', message: `${path.join('.') || 'limits'}: ${message}` })
  return z.NEVER
})

export const settingsSchema = z.object({
  SWITCHYARD_DATA: z
    .string()
    .default('.switchyard')
    .transform(folder => resolve(folder))
    .describe('Folder for the database, the journal, logs and engine state.'),
  SWITCHYARD_HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  SWITCHYARD_PORT: whole(1, 65535).default(8080).describe('Port of the console, the API and the gateway.'),
  SWITCHYARD_MODEL: z
    .string()
    .transform(file => resolve(file))
    .optional()
    .describe('GGUF file that the quickstart endpoint serves; the bundled model when absent.'),
  SWITCHYARD_CONFIG: z
    .string()
    .transform(file => resolve(file))
    .optional()
    .describe('YAML file of documents that is in force from the start, and followed as it changes.'),
  SWITCHYARD_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must look like postgres://user:password@host:5432/database')
    .optional()
    .describe('External PostgreSQL 15 or later; the embedded one when absent.'),
  SWITCHYARD_PUBLIC_URL: z
    .url()
    .optional()
    .describe('Base URL that people reach this server by; http://HOST:PORT when absent.'),
  SWITCHYARD_LLAMA_SERVER: z
    .string()
    .optional()
    .describe('llama-server binary to run instead of the built-in engine.'),
  SWITCHYARD_JOURNAL_SYNC: z
    .enum(['interval', 'reply'])
    .default('interval')
    .describe('interval: usage is fsynced within 20 ms; reply: before the last byte leaves.'),
  SWITCHYARD_STOP_DELAY_SECONDS: whole(0, 600)
    .optional()
    .describe(
      'How long a stop goes on taking requests while `/readyz` says that it stops, so that balancers see it first; 5 with SWITCHYARD_OPERATIONS_PORT, else 0.',
    ),
  SWITCHYARD_DRAIN_SECONDS: whole(0, 600)
    .default(20)
    .describe('How long running requests may go on at a stop.'),
  SWITCHYARD_SECRET_KEY: secretKeys
    .optional()
    .describe(
      'Master keys that secrets are sealed under: base64 of 32 bytes each, with commas between them; the first seals, all of them open.',
    ),
  SWITCHYARD_SECRET_KEY_FILE: z
    .string()
    .transform(file => resolve(file))
    .optional()
    .describe(
      'File with master keys, one a line; `secrets.key` in the data folder is made when no key is given.',
    ),
  SWITCHYARD_KMS_COMMAND: commandLine
    .optional()
    .describe(
      'Program that wraps the master keys by a key service, as JSON such as ["/usr/local/bin/kms","--key","prod"]; `wrap ID` or `unwrap ID` follows, bytes on stdin and stdout. It goes before every other key.',
    ),
  SWITCHYARD_KMS_ENVIRONMENT: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*(,[A-Za-z_][A-Za-z0-9_]*)*$/, 'must be names of variables, comma between')
    .transform(names => names.split(','))
    .optional()
    .describe('Variables that this program sees beside PATH and HOME, by name, comma between.'),
  SWITCHYARD_KMS_TIMEOUT_SECONDS: whole(1, 300)
    .default(10)
    .describe('How long one call of this program may take.'),
  SWITCHYARD_LIMITS: platformLimits
    .optional()
    .describe(
      'Most that all workspaces may call together, as JSON like the limits of a Workspace; none when absent.',
    ),
  SWITCHYARD_WORKERS: whole(0, 128)
    .default(0)
    .describe(
      'Processes that run the gateway, behind one port; 0 runs it in the process of the control plane.',
    ),
  SWITCHYARD_LIMITER: z
    .string()
    .regex(
      /^(memory|postgres|rediss?:\/\/.+)$/,
      'must be memory, postgres or redis://user:password@host:6379/0',
    )
    .optional()
    .describe(
      'Where limits are counted: `memory` of one gateway process, `postgres` (the database), or the `redis://` or `rediss://` URL of a Redis; memory when absent, postgres with more than one worker.',
    ),
  SWITCHYARD_LIMITER_LOSS: z
    .enum(['local_share', 'closed', 'open'])
    .default('local_share')
    .describe(
      'While the database or the Redis that counts them does not answer: `local_share` gives each gateway process its part of the limits, `closed` refuses (503, `limiter_unavailable`), `open` lets all pass that has no limit of money.',
    ),
  SWITCHYARD_MAX_STALE_SECONDS: whole(1, 31_536_000)
    .optional()
    .describe(
      'Age of the snapshot from which requests are refused (503, `snapshot_stale`) while the database is away; they are answered at any age when absent.',
    ),
  SWITCHYARD_OPERATIONS_PORT: whole(1, 65535)
    .optional()
    .describe(
      'Port that tells `/healthz`, `/readyz` and `/metrics` to whoever reaches it, without a credential and without the database; none when absent.',
    ),
  SWITCHYARD_OPERATIONS_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address that the port of operations listens on.'),
  SWITCHYARD_RESPONSES_HOURS: whole(0, 720)
    .default(24)
    .describe('How long responses of the Responses API can be gone on from; 0 remembers none.'),
  SWITCHYARD_RESPONSES_BYTES: whole(1_048_576, 1_099_511_627_776)
    .default(1_073_741_824)
    .describe('Bytes of responses that one workspace may keep; the oldest beyond them go.'),
  SWITCHYARD_OVERRUN_PERCENT: z.coerce
    .number()
    .min(0)
    .max(100)
    .default(0.1)
    .describe(
      'Percent of what was charged: accounts that used more than that beyond what was held for them are warned of, by the doctor and the alert.',
    ),
  SWITCHYARD_SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\/.+/, 'must look like smtp://user:password@host:587 or smtps://…')
    .transform(url => new Sealed(url))
    .optional()
    .describe(
      'Mail server that sends invitations and links for new passwords; they are shown to whoever makes them when absent.',
    ),
  SWITCHYARD_SMTP_FROM: z
    .string()
    .min(3)
    .max(320)
    .optional()
    .describe('Sender of that mail, such as `Switchyard <switchyard@example.com>`.'),
  SWITCHYARD_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least severe line that is logged.'),
  ...auditShape,
  ...doorShape,
  ...telemetryShape,
  ...usageShape,
  PATH: z.string().default('/usr/local/bin:/usr/bin:/bin').describe('Where engine binaries are looked for.'),
  HOME: z.string().default('/').describe('Home folder given to engines.'),
})

/** Where limits are counted. */
export type LimiterPlace =
  | { readonly type: 'memory' | 'postgres' }
  | { readonly type: 'redis'; readonly url: Sealed<string> }

export interface Settings {
  readonly data: string
  readonly host: string
  readonly port: number
  readonly model: string | undefined
  /** File of documents that is followed. */
  readonly config: string | undefined
  /** What that file names as `${ENV:NAME}`. */
  readonly variable: (name: string) => string | undefined
  readonly databaseUrl: string | undefined
  readonly baseUrl: string
  /** How this process reaches itself. */
  readonly localUrl: string
  readonly llamaServer: string | undefined
  readonly journalSync: 'interval' | 'reply'
  readonly stopDelaySeconds: number
  readonly drainSeconds: number
  /** Given by environment, in their order. */
  readonly secretKeys: readonly Sealed<Uint8Array>[]
  readonly secretKeyFile: string | undefined
  /** Asks a key service. */
  readonly kms: CommandOptions | undefined
  /** Of the whole platform. */
  readonly limits: LimitsSpec | undefined
  /** Processes of the gateway; 0 is this one. */
  readonly workers: number
  readonly limiter: LimiterPlace
  readonly limiterLoss: 'local_share' | 'closed' | 'open'
  /** Age of the snapshot from which nothing is answered by it. */
  readonly maxStaleSeconds: number | undefined
  /** Where health and metrics are told to whoever asks. */
  readonly operations: { readonly host: string; readonly port: number } | undefined
  /** How long responses are kept, and how many bytes of them in one workspace. */
  readonly responses: { readonly seconds: number; readonly bytes: number }
  /** Percent of what was charged from which overruns are warned of. */
  readonly overrunPercent: number
  /** Who sends mail, and as whom. */
  readonly mail: { readonly url: Sealed<string>; readonly from: string } | undefined
  /** How the trail is kept. */
  readonly audit: AuditSettings
  /** The port with a certificate. */
  readonly tls: TlsSettings | undefined
  /** The edge of the gateway. */
  readonly door: DoorOptions
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  /** What is told of requests, and to whom. */
  readonly telemetry: TelemetrySettings
  /** How usage is sealed. */
  readonly usage: UsageSettings
  readonly path: string
  readonly home: string
}

/** Reads and checks every setting at once; all that is wrong with them stands in one `invalid` fault. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const parsed = settingsSchema.safeParse(environment)
  if (!parsed.success) {
    const details = parsed.error.issues.map(issue => ({
      path: issue.path.join('.'),
      rule: issue.code,
      message: issue.message,
    }))
    throw new Fault('invalid', details.map(({ path, message }) => `${path}: ${message}`).join('; '), {
      details,
    })
  }
  const given = parsed.data
  const shown =
    given.SWITCHYARD_HOST === '0.0.0.0' || given.SWITCHYARD_HOST === '::'
      ? '127.0.0.1'
      : given.SWITCHYARD_HOST
  const localUrl = `http://${shown.includes(':') ? `[${shown}]` : shown}:${given.SWITCHYARD_PORT}`
  return Object.freeze({
    data: given.SWITCHYARD_DATA,
    host: given.SWITCHYARD_HOST,
    port: given.SWITCHYARD_PORT,
    model: given.SWITCHYARD_MODEL,
    config: given.SWITCHYARD_CONFIG,
    variable: (name: string) => environment[name],
    databaseUrl: given.SWITCHYARD_DATABASE_URL,
    baseUrl: given.SWITCHYARD_PUBLIC_URL ?? localUrl,
    localUrl,
    llamaServer: given.SWITCHYARD_LLAMA_SERVER,
    journalSync: given.SWITCHYARD_JOURNAL_SYNC,
    stopDelaySeconds:
      given.SWITCHYARD_STOP_DELAY_SECONDS ?? (given.SWITCHYARD_OPERATIONS_PORT === undefined ? 0 : 5),
    drainSeconds: given.SWITCHYARD_DRAIN_SECONDS,
    secretKeys: given.SWITCHYARD_SECRET_KEY ?? [],
    secretKeyFile: given.SWITCHYARD_SECRET_KEY_FILE,
    kms: given.SWITCHYARD_KMS_COMMAND && {
      argv: given.SWITCHYARD_KMS_COMMAND,
      timeoutSeconds: given.SWITCHYARD_KMS_TIMEOUT_SECONDS,
      environment: Object.fromEntries(
        ['PATH', 'HOME', ...(given.SWITCHYARD_KMS_ENVIRONMENT ?? [])].flatMap(name => {
          const value = environment[name]
          return value === undefined ? [] : [[name, value]]
        }),
      ),
    },
    limits: given.SWITCHYARD_LIMITS,
    workers: given.SWITCHYARD_WORKERS,
    limiter: limiterPlace(given.SWITCHYARD_LIMITER, given.SWITCHYARD_WORKERS),
    limiterLoss: given.SWITCHYARD_LIMITER_LOSS,
    maxStaleSeconds: given.SWITCHYARD_MAX_STALE_SECONDS,
    operations:
      given.SWITCHYARD_OPERATIONS_PORT === undefined
        ? undefined
        : { host: given.SWITCHYARD_OPERATIONS_HOST, port: given.SWITCHYARD_OPERATIONS_PORT },
    responses: {
      seconds: given.SWITCHYARD_RESPONSES_HOURS * 3600,
      bytes: given.SWITCHYARD_RESPONSES_BYTES,
    },
    overrunPercent: given.SWITCHYARD_OVERRUN_PERCENT,
    mail: mailSettings(given),
    audit: auditSettings(given),
    tls: tlsSettings(given),
    door: doorSettings(given),
    logLevel: given.SWITCHYARD_LOG_LEVEL,
    telemetry: telemetrySettings(given),
    usage: usageSettings(given),
    path: given.PATH,
    home: given.HOME,
  })
}

function limiterPlace(given: string | undefined, workers: number): LimiterPlace {
  if (given === 'memory' && workers > 1)
    throw new Fault(
      'invalid',
      `SWITCHYARD_LIMITER: ${workers} workers cannot share the limits that each keeps in its own memory: say postgres or redis://…, or run one worker.`,
      { reason: 'limiter_not_shared' },
    )
  if (given === undefined) return { type: workers > 1 ? 'postgres' : 'memory' }
  if (given === 'memory' || given === 'postgres') return { type: given }
  return { type: 'redis', url: new Sealed(given) }
}

function mailSettings({
  SWITCHYARD_SMTP_URL: url,
  SWITCHYARD_SMTP_FROM: from,
}: Pick<z.output<typeof settingsSchema>, 'SWITCHYARD_SMTP_URL' | 'SWITCHYARD_SMTP_FROM'>): Settings['mail'] {
  if (url === undefined) return undefined
  if (from !== undefined) return { url, from }
  throw new Fault('invalid', 'SWITCHYARD_SMTP_FROM: say who sends the mail of SWITCHYARD_SMTP_URL.', {
    reason: 'mail_sender',
  })
}
