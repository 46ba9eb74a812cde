// Checks an archive of the log, or an export with proofs, by the public key alone: no server is asked.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Fault } from '@switchyard/kinds'
import {
  readVerifier,
  type Verification,
  type Verifier,
  verifyArchive,
  verifyProof,
} from '@switchyard/ledger'
import { openArchive } from '../archive.ts'
import type { Cli } from '../cli.ts'
import { json } from '../output/formats.ts'

export interface VerifyOptions {
  readonly from?: string
  readonly proof?: string
  readonly key: string
  readonly since?: string
}

const statuses = { whole: 0, tampered: 1, incomplete: 2 } as const satisfies Record<
  Verification['verdict'],
  number
>

export async function verify(cli: Cli, options: VerifyOptions): Promise<number> {
  const { from, proof } = options
  if ((from === undefined) === (proof === undefined))
    throw new Fault('invalid', 'Say what to check: --from for an archive, or --proof for an export.')
  const verifiers = await keysOf(cli, options.key)
  if (proof !== undefined) return verifyExport(cli, proof, verifiers)
  const since = options.since === undefined ? undefined : await read(cli, options.since)
  const archive = await openArchive(cli, from ?? '')
  const found = await verifyArchive({ archive, verifiers, since, signal: cli.signal })
  const { verdict, problem, checkpoint, checkpoints, warnings } = found
  for (const warning of warnings) cli.note(`Note: ${warning}`)
  const root = checkpoint && Buffer.from(checkpoint.root).toString('base64')
  if (cli.flags.output === 'json')
    cli.out(
      json({
        verdict,
        problem,
        origin: checkpoint?.origin,
        size: checkpoint?.size,
        root,
        checkpoints,
        warnings,
      }),
    )
  else if (verdict === 'whole')
    cli.out(
      `whole: ${checkpoint?.size} entries of ${checkpoint?.origin}, ${checkpoints} checkpoints, root ${root}\n`,
    )
  else cli.out(`${verdict}: ${problem}\n`)
  return statuses[verdict]
}

/** A key itself, or a file that holds some, one a line. */
async function keysOf(cli: Cli, given: string): Promise<readonly Verifier[]> {
  const file = resolve(cli.terminal.cwd, given)
  const text = !given.includes('+') || existsSync(file) ? await read(cli, given) : given
  const lines = text.split('\n').map(line => line.trim())
  return lines.filter(line => line !== '').map(readVerifier)
}

async function read(cli: Cli, path: string): Promise<string> {
  if (path === '-') return (await Array.fromAsync(cli.terminal.stdin)).map(String).join('')
  const file = resolve(cli.terminal.cwd, path)
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new Fault('not_found', `There is no file ${file} that can be read.`, { cause })
  }
}

async function verifyExport(cli: Cli, path: string, verifiers: readonly Verifier[]): Promise<number> {
  const lines = (await read(cli, path)).split('\n').filter(line => line !== '')
  for (const [i, line] of lines.entries()) {
    const { entry, proof } = readLine(line, i)
    if (verifyProof(proof, Buffer.from(entry), verifiers).holds) continue
    cli.out(`tampered: line ${i + 1} is no entry of the log\n`)
    return statuses.tampered
  }
  if (lines.length === 0) {
    cli.out('incomplete: there is no entry in it\n')
    return statuses.incomplete
  }
  cli.out(`whole: ${lines.length} entries, each in the log\n`)
  return statuses.whole
}

function readLine(line: string, i: number): { readonly entry: string; readonly proof: string } {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && 'entry' in value && 'proof' in value)
      if (typeof value.entry === 'string' && typeof value.proof === 'string')
        return { entry: value.entry, proof: value.proof }
  } catch (cause) {
    throw new Fault('invalid', `Line ${i + 1} is not JSON.`, { cause })
  }
  throw new Fault('invalid', `Line ${i + 1} has no proof: export with --proofs.`)
}
