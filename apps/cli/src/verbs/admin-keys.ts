// Versions of the master key: how they stand, one more, one less.
import { setTimeout as sleep } from 'node:timers/promises'
import type { MasterKeys } from '@switchyard/client'
import { Fault } from '@switchyard/kinds/fault'
import type { Cli } from '../cli.ts'
import { relative } from '../output/cell.ts'
import { json, yaml } from '../output/formats.ts'
import { table } from '../output/table.ts'

const lookMilliseconds = 1000

const usesOf = ({ uses }: MasterKeys['items'][number]) => Object.values(uses).reduce((sum, n) => sum + n, 0)

async function show(cli: Cli, keys: MasterKeys): Promise<void> {
  if (cli.flags.output === 'json') return cli.out(json(keys))
  if (cli.flags.output === 'yaml') return cli.out(await yaml([keys]))
  const now = cli.terminal.now()
  const { text } = table(
    [
      { title: 'VERSION', align: 'right' },
      { title: 'ID' },
      { title: 'ROOT' },
      { title: 'USES', align: 'right' },
      { title: 'OPENS' },
      { title: 'MADE' },
    ],
    keys.items.map(item => [
      String(item.version),
      item.id,
      item.root,
      String(usesOf(item)),
      item.opens ? 'yes' : 'no',
      relative(item.madeAt, now),
    ]),
  )
  cli.out(text)
  const { done, total } = keys.rewrap
  if (done < total) cli.note(`${total - done} of ${total} values are still to be brought under the newest.`)
}

export async function list(cli: Cli): Promise<void> {
  await show(cli, await (await cli.client()).masterKeys())
}

export async function rotate(cli: Cli, detach: boolean): Promise<void> {
  const client = await cli.client()
  const { version } = await client.rotateMasterKey()
  cli.note(`Version ${version} seals from now on.`)
  if (!detach) {
    const began = cli.terminal.now().getTime()
    let first: number | undefined
    for (;;) {
      const { done, total } = (await client.masterKeys()).rewrap
      first ??= done
      if (done >= total) break
      const seconds = (cli.terminal.now().getTime() - began) / 1000
      const left =
        done > first ? `, about ${Math.ceil(((total - done) * seconds) / (done - first))} s left` : ''
      cli.note(`${done} of ${total} values are under it${left}.`)
      await sleep(lookMilliseconds, undefined, { signal: cli.signal })
    }
  }
  await show(cli, await client.masterKeys())
}

export async function drop(cli: Cli, text: string): Promise<void> {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Fault(
      'invalid',
      `${text} is no version: name it by its number, as \`switchyard admin keys list\` shows it.`,
    )
  await cli.confirm(`Version ${text} goes for good: backups from before do not open without it. Go ahead?`)
  await show(cli, await (await cli.client()).dropMasterKey(Number(text)))
}
