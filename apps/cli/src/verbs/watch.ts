// `get -w`: the list, then a line for every change, until Ctrl-C or --timeout.
import type { Client, ListQuery } from '@switchyard/client'
import type { Document, Kind } from '@switchyard/kinds'
import type { Cli } from '../cli.ts'
import { documentTable, shortName, type TableLook } from '../output/formats.ts'
import { envelope } from '../output/key-order.ts'

export async function watchKind(
  cli: Cli,
  client: Client,
  kind: Kind,
  { labelSelector, fieldSelector }: ListQuery,
  names: ReadonlySet<string>,
): Promise<void> {
  const { workspace } = await cli.target()
  const { output, headers, allWorkspaces } = cli.flags
  // Platform documents stand in no workspace's collection, so a kind of both is watched as a whole.
  const whole = allWorkspaces || kind.scope !== 'workspace'
  const wanted = ({ metadata }: Document) =>
    (names.size === 0 || names.has(metadata.name)) &&
    (allWorkspaces || metadata.workspace === null || metadata.workspace === workspace)
  const look: TableLook = {
    wide: output === 'wide',
    headers,
    colors: cli.colors,
    now: cli.terminal.now(),
    workspaces: allWorkspaces,
    kinds: false,
  }
  let widths: readonly number[] | undefined
  let first: Document[] | undefined = []

  function show(type: string, documents: readonly Document[]): void {
    if (output === 'json')
      for (const document of documents) cli.out(`${JSON.stringify({ type, object: envelope(document) })}\n`)
    else if (output === 'name')
      for (const { metadata } of documents) cli.out(`${shortName(kind, metadata.name)}\n`)
    else if (documents.length > 0) {
      const drawn = documentTable(
        kind,
        documents,
        { ...look, now: cli.terminal.now(), headers: headers && widths === undefined },
        widths,
      )
      widths = drawn.widths
      cli.out(drawn.text)
    }
  }

  const events = client.watch(kind.kind, {
    workspace: whole ? null : workspace,
    labelSelector,
    fieldSelector,
    signal: cli.signal,
  })
  for await (const event of events) {
    if (event.type === 'RELISTED') first = []
    else if (event.type === 'SYNCED') {
      show('ADDED', first ?? [])
      if (first?.length === 0) cli.note(`No ${kind.plural} yet; waiting.`)
      first = undefined
    } else if (wanted(event.document)) {
      if (first) first.push(event.document)
      else {
        show(event.type, [event.document])
        if (event.type === 'DELETED' && output !== 'json')
          cli.note(`${shortName(kind, event.document.metadata.name)} is gone.`)
      }
    }
  }
}
