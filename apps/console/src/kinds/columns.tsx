// The columns of a kind's list: as the kind says, and what every document has.
import { valueAt } from '@switchyard/api/selector'
import { useRouter } from '@tanstack/react-router'
import { memo } from 'react'
import type { Document, KindInfo } from '../api/catalogue.ts'
import type { LongColumn } from '../parts/long-table.tsx'
import { Cell, textOf } from './cells.tsx'
import { onPlatform } from './names.ts'
import type { Said } from './said.ts'

interface NamedProps {
  readonly plural: string
  readonly place: string
  readonly name: string
  readonly shown: string
}

/** The router's own `Link` follows the address all the while, which is much to do for every row of a list. */
const Named = memo(({ plural, place, name, shown }: NamedProps) => {
  const router = useRouter()
  const to = { to: '/$plural/$workspace/$name', params: { plural, workspace: place, name } } as const
  return (
    <a
      href={router.buildLocation(to).href}
      onMouseEnter={() => void router.preloadRoute(to)}
      onClick={event => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
        event.preventDefault()
        void router.navigate(to)
      }}
    >
      {shown}
    </a>
  )
})

/** By where their values stand in a document; the first is the name. */
export function columnsOf(
  { plural, scope, columns }: KindInfo,
  everywhere: boolean,
  words: (key: 'name' | 'workspace' | 'age') => string,
  said: Said,
): readonly LongColumn<Document>[] {
  const own = columns
    .filter(({ path, wide }) => !wide && path !== 'metadata.name' && path !== 'metadata.creationTimestamp')
    .map(({ title, path }) => ({ title: said.column(title), path }))
  const born = 'metadata.creationTimestamp'
  const others = [
    ...(everywhere && scope !== 'platform'
      ? [{ title: words('workspace'), path: 'metadata.workspace' }]
      : []),
    ...own,
    { title: words('age'), path: born },
  ]
  return [
    {
      key: 'metadata.name',
      title: words('name'),
      width: 200,
      text: ({ metadata }) => metadata.name,
      isText: true,
      render: ({ metadata: { name, workspace, displayName } }) => (
        <Named plural={plural} place={workspace ?? onPlatform} name={name} shown={displayName ?? name} />
      ),
    },
    ...others.map(
      ({ title, path }): LongColumn<Document> => ({
        key: path,
        title,
        width: path === born ? 168 : 116,
        text: document => textOf(valueAt(document, path)),
        isText: path !== born && path !== 'status.phase',
        render: document => <Cell path={path} value={valueAt(document, path)} />,
      }),
    ),
  ]
}
