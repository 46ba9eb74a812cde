// Writes what files say: all of it is read and ordered first, then each document is created or replaced.
import type { Client, Manifest } from '@switchyard/client'
import { type Document, exitStatus, Fault } from '@switchyard/kinds'
import { type Entry, keyOf, order, readManifests, referencesOf, sentence } from '@switchyard/manifest'
import type { Cli } from '../cli.ts'
import { readSources } from '../manifest/source.ts'
import { json, shortName } from '../output/formats.ts'
import { replacement } from './replacement.ts'
import { settled, standing, until } from './until.ts'
import { patience, secondsUntil } from './wait.ts'

export interface ApplyOptions {
  readonly filename: readonly string[]
  readonly dryRun?: 'client' | 'server'
  readonly wait?: boolean
}

type Outcome = 'created' | 'configured' | 'unchanged' | 'failed' | 'valid'

interface Applied {
  readonly entry: Entry
  readonly outcome: Outcome
  readonly document?: Document
  readonly fault?: Fault
}

/** How often a document that another writer changed in between is read and replaced again. */
const rereads = 3

async function current(client: Client, { kind, workspace, name }: Entry): Promise<Document | undefined> {
  try {
    return await client.get(kind.kind, { workspace, name })
  } catch (error) {
    if (error instanceof Fault && error.code === 'not_found') return undefined
    throw error
  }
}

/** Creates or replaces one document; `stale` and a name taken in between are answered by reading again. */
async function write(client: Client, entry: Entry, dryRun: boolean): Promise<Applied> {
  const { kind, workspace, name } = entry
  for (let attempt = 0; ; attempt++) {
    const before = await current(client, entry)
    try {
      if (!before) {
        const manifest: Manifest = {
          ...entry.manifest,
          metadata: { ...entry.manifest.metadata, workspace },
        }
        return { entry, outcome: 'created', document: await client.create(manifest, { dryRun }) }
      }
      const { resourceVersion, generation } = before.metadata
      const document = await client.replace(
        kind.kind,
        { workspace, name },
        replacement(before, entry.manifest, kind),
        { ifMatch: resourceVersion, dryRun },
      )
      const same =
        document.metadata.resourceVersion === resourceVersion && document.metadata.generation === generation
      return { entry, outcome: same ? 'unchanged' : 'configured', document }
    } catch (error) {
      const between =
        error instanceof Fault &&
        (error.code === 'stale' || (error.code === 'conflict' && error.reason === 'taken'))
      if (!between || attempt >= rereads) throw error
    }
  }
}

/** The refusal as lines that name file, line and path. */
export function explain({ place }: Entry, fault: Fault): readonly string[] {
  const located = fault.details.filter(({ path }) => path !== '')
  if (located.length === 0) return [sentence(place, '', fault.message)]
  return located.map(({ path, message }) => sentence(place, path, message))
}

async function applyAll(cli: Cli, entries: readonly Entry[], dryRun: boolean): Promise<readonly Applied[]> {
  const client = await cli.client()
  const applied: Applied[] = []
  const failures = new Map<string, Entry>()
  const fresh = new Map<string, Entry>()
  for (const entry of entries) {
    const references = referencesOf(entry)
    const lost = references.map(({ key }) => failures.get(key)).find(one => one !== undefined)
    let result: Applied
    try {
      if (lost)
        throw new Fault('conflict', `not sent, because ${shortName(lost.kind, lost.name)} failed`, {
          reason: 'reference_failed',
        })
      result = await write(client, entry, dryRun)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      // No document will fare better when nobody answers or nobody is signed in.
      if (['unavailable', 'unauthenticated', 'cancelled', 'deadline'].includes(error.code)) throw error
      const awaited = references.map(({ key }) => fresh.get(key)).find(one => one !== undefined)
      if (dryRun && awaited && !lost) {
        cli.note(
          `${shortName(entry.kind, entry.name)} can't be checked whole: ${shortName(awaited.kind, awaited.name)}, which it refers to, is not there yet.`,
        )
        result = { entry, outcome: 'created' }
      } else result = { entry, outcome: 'failed', fault: error }
    }
    if (result.outcome === 'failed') failures.set(keyOf(entry), entry)
    if (result.outcome === 'created') fresh.set(keyOf(entry), entry)
    applied.push(result)
    tell(cli, result, dryRun ? ' (server dry run)' : '')
  }
  return applied
}

function tell(cli: Cli, { entry, outcome, fault }: Applied, suffix: string): void {
  const name = shortName(entry.kind, entry.name)
  const paint =
    outcome === 'failed' ? cli.colors.red : outcome === 'unchanged' ? cli.colors.dim : cli.colors.green
  if (cli.flags.output === 'name') cli.out(`${name}\n`)
  else if (cli.flags.output !== 'json') cli.out(`${name} ${paint(outcome)}${suffix}\n`)
  if (fault) for (const line of explain(entry, fault)) cli.note(`  ${line}`)
}

async function waitFor(cli: Cli, applied: readonly Applied[]): Promise<boolean> {
  const client = await cli.client()
  const ends = cli.terminal.now().getTime() + (cli.flags.timeout ?? patience) * 1000
  let all = true
  for (const { entry, outcome } of applied) {
    if (outcome === 'failed') continue
    const { kind, workspace, name } = entry
    const seconds = secondsUntil(ends, cli.terminal.now())
    const { verdict, document } = await until(client, kind, { workspace, name }, settled(kind), {
      seconds,
      signal: cli.terminal.signal,
    })
    if (verdict === 'yes') continue
    all = false
    cli.note(`${shortName(kind, name)} ${standing(document)}`)
  }
  return all
}

export async function apply(cli: Cli, { filename, dryRun, wait }: ApplyOptions): Promise<number> {
  const sources = await readSources(filename, cli.terminal, cli.signal)
  const home = dryRun === 'client' ? (cli.flags.workspace ?? 'default') : (await cli.target()).workspace
  const entries = order(readManifests(sources, home))
  if (dryRun === 'client') {
    for (const entry of entries) tell(cli, { entry, outcome: 'valid' }, ' (client dry run, nothing sent)')
    return 0
  }
  const applied = await applyAll(cli, entries, dryRun === 'server')
  if (cli.flags.output === 'json')
    cli.out(
      json(
        applied.map(({ entry: { kind, workspace, name }, outcome, fault }) => ({
          kind: kind.kind,
          workspace,
          name,
          outcome,
          ...(fault && { error: { code: fault.code, reason: fault.reason, message: fault.message } }),
        })),
      ),
    )
  const failure = applied.find(({ fault }) => fault !== undefined)?.fault
  if (failure) return exitStatus[failure.code]
  if (wait && !dryRun && !(await waitFor(cli, applied))) return 1
  return 0
}
