// Waits until documents are ready, in a phase, or gone.
import { type Document, Fault, type Kind } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { readPath } from '../output/cell.ts'
import { shortName } from '../output/formats.ts'
import { readNamed, refsOf } from './get.ts'
import { conditionsOf, type Decide, until } from './until.ts'

/** Seconds, when --timeout is not given. */
export const patience = 300

/** Whole seconds left, at least one, so that what is true already is always seen. */
export const secondsUntil = (ends: number, now: Date) => Math.max(1, Math.ceil((ends - now.getTime()) / 1000))

/** What `--for` asks, for a kind; `invalid` when that kind can never meet it. */
export function readFor(text: string, kind: Kind): { readonly decide: Decide; readonly words: string } {
  const [what = '', type = '', wanted = 'True'] = text.split('=')
  if (text === 'delete') return { words: 'gone', decide: document => (document ? 'wait' : 'yes') }
  const found = (meets: (document: Document) => boolean): Decide => {
    return document => (document ? (meets(document) ? 'yes' : 'wait') : 'no')
  }
  if (what === 'phase' && type !== '') {
    const phase = kind.phases.find(one => one.toLowerCase() === type.toLowerCase())
    if (!phase)
      throw new Fault(
        'invalid',
        `A ${kind.kind} has no phase ${type}; its phases are ${kind.phases.join(', ')}.`,
      )
    return { words: `in phase ${phase}`, decide: found(one => readPath(one, 'status.phase') === phase) }
  }
  if (what === 'condition' && type !== '') {
    const known = Object.keys(kind.conditions)
    const name = known.find(one => one.toLowerCase() === type.toLowerCase())
    if (!name)
      throw new Fault(
        'invalid',
        known.length === 0
          ? `A ${kind.kind} has no conditions; wait for phase=PHASE or delete.`
          : `A ${kind.kind} has no condition ${type}; it has ${known.join(', ')}.`,
      )
    const status = wanted.toLowerCase()
    const decide = found(one =>
      conditionsOf(one).some(
        condition =>
          condition.type === name &&
          condition.status.toLowerCase() === status &&
          condition.observedGeneration >= one.metadata.generation,
      ),
    )
    return { words: `${name}=${wanted}`, decide }
  }
  throw new Fault(
    'invalid',
    `--for ${text}: write condition=TYPE, condition=TYPE=STATUS, phase=PHASE or delete.`,
  )
}

export async function wait(cli: Cli, words: readonly string[], what: string): Promise<number> {
  const refs = await refsOf(cli, words)
  const asked = refs.map(ref => ({ ref, ...readFor(what, ref.kind) }))
  const client = await cli.client()
  const { signal } = cli.terminal
  const ends = cli.terminal.now().getTime() + (cli.flags.timeout ?? patience) * 1000
  let answer = 0
  for (const { ref, decide, words: wish } of asked) {
    const { kind } = ref
    if (what !== 'delete') await readNamed(client, kind, ref)
    const seconds = secondsUntil(ends, cli.terminal.now())
    const { verdict } = await until(client, kind, ref, decide, { seconds, signal })
    const name = shortName(kind, ref.name)
    if (verdict === 'yes') cli.out(`${name} ${wish}\n`)
    else {
      cli.note(`${name} was deleted, so it can't be ${wish} any more.`)
      answer = 1
    }
  }
  return answer
}
