// API keys: the secret of a new or rotated one goes alone to stdout, the only time that it is shown.
import { Fault, findKind } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { parseDuration, parseMoment } from '../duration.ts'
import { kindNamed } from '../kinds.ts'

export interface CreateOptions {
  readonly owner?: string
  readonly project?: string
  readonly models?: readonly string[]
  readonly scopes?: readonly string[]
  readonly expires?: string
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The secret in the answer to a create or a rotate. */
export function secretIn(body: unknown): string {
  const secret = isRecord(body) ? body.secret : undefined
  if (typeof secret === 'string' && secret !== '') return secret
  throw new Fault(
    'internal',
    'The server made the key but did not show its secret. Rotate it: `switchyard keys rotate`.',
  )
}

/** `user/ada` or `serviceaccount/ci`; without it, the one who asks. */
async function ownerOf(cli: Cli, text: string | undefined): Promise<{ kind: string; name: string }> {
  if (text !== undefined) {
    const [kind = '', name = ''] = text.split('/')
    const found = findKind(kind)?.kind
    if ((found !== 'User' && found !== 'ServiceAccount') || name === '')
      throw new Fault('invalid', `--owner ${text}: write user/NAME or serviceaccount/NAME.`)
    return { kind: found, name }
  }
  const { principal } = await (await cli.client()).whoami()
  const [type, name = ''] = principal.split(':')
  if (type === 'user') return { kind: 'User', name }
  if (type === 'serviceaccount') return { kind: 'ServiceAccount', name: name.replace(/^.*\//, '') }
  throw new Fault(
    'invalid',
    `You are ${principal}, which owns no keys: add --owner user/NAME or serviceaccount/NAME.`,
  )
}

export async function create(cli: Cli, name: string, options: CreateOptions): Promise<void> {
  const { project, models, scopes, expires } = options
  const { workspace } = await cli.target()
  const client = await cli.client()
  const { kind } = kindNamed('apikey')
  const expiresAt =
    expires === undefined ? undefined : parseMoment(expires, '--expires', cli.terminal.now(), 1)
  const made = await client.create({
    apiVersion: 'switchyard.dev/v1',
    kind,
    metadata: { name, workspace, ...(project !== undefined && { project }) },
    spec: {
      owner: await ownerOf(cli, options.owner),
      ...(models && { models }),
      ...(scopes && { scopes }),
      ...(expiresAt && { expiresAt }),
    },
  })
  cli.note(`Key ${name} of workspace ${workspace} is made. Keep its secret now: it is not shown again.`)
  cli.out(`${secretIn(made)}\n`)
}

export async function rotate(cli: Cli, name: string, overlap: string): Promise<void> {
  const { workspace } = await cli.target()
  const overlapSeconds = parseDuration(overlap, '--overlap')
  const body = await (await cli.client()).action('ApiKey', { workspace, name }, 'rotate', { overlapSeconds })
  const old =
    overlapSeconds === 0
      ? 'The old secret is refused from now on'
      : `The old secret works for ${overlap} more`
  cli.note(`Key ${name} has a new secret. ${old}. Keep the new one now: it is not shown again.`)
  cli.out(`${secretIn(body)}\n`)
}

export async function disable(cli: Cli, name: string, disabled: boolean): Promise<void> {
  const { workspace } = await cli.target()
  await (await cli.client()).patch('ApiKey', { workspace, name }, { spec: { disabled } })
  cli.out(`apikey/${name} ${disabled ? 'disabled' : 'enabled'}\n`)
}
