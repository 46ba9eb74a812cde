// What the replicas of an endpoint write, as they write it.

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Alert, Button, Checkbox, Input, Select } from 'antd'
import { memo, useDeferredValue, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import type { Shown } from '../kinds/own.ts'
import { useSeen } from '../kinds/seen.ts'
import { keepText } from '../parts/keep.ts'
import { FaultAlert } from '../shell/fault.tsx'
import { Forbidden, Nothing } from '../shell/states.tsx'
import type { ReplicaDocument } from './documents.ts'
import type { Block, LogLine } from './lines.ts'
import { useLogs } from './use-logs.ts'
import './endpoint.css'
import './words.ts'

const clock = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
})

interface BlockProps {
  readonly lines: readonly LogLine[]
  readonly sought: string
  readonly isNamed: boolean
}

const has = (sought: string) => {
  const wanted = sought.toLowerCase()
  return ({ text }: LogLine) => text.toLowerCase().includes(wanted)
}

/** The words that are sought, marked. */
function Marked({ text, sought }: { readonly text: string; readonly sought: string }) {
  const at = sought === '' ? -1 : text.toLowerCase().indexOf(sought.toLowerCase())
  if (at < 0) return text
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + sought.length)}</mark>
      {text.slice(at + sought.length)}
    </>
  )
}

/** Drawn once it is whole; the browser leaves out what is not in sight. */
const Lines = memo(({ lines, sought, isNamed }: BlockProps) => (
  <div className="log-block">
    {lines.filter(has(sought)).map(({ at, replica, text }, index) => (
      <div key={index} className="log-line">
        {at !== undefined && (
          <time dateTime={at} title={at}>
            {clock.format(new Date(at))}
          </time>
        )}
        {isNamed && <span className="log-name">{replica}</span>}
        <span>
          <Marked text={text} sought={sought} />
        </span>
      </div>
    ))}
  </div>
))

const textOf = (blocks: readonly Block[]) =>
  blocks
    .flatMap(({ lines }) => lines.map(({ at = '', replica, text }) => `${at} ${replica} ${text}`.trim()))
    .join('\n')

const lengthOf = (blocks: readonly Block[]) => blocks.reduce((sum, { lines }) => sum + lines.length, 0)

interface PaneProps {
  readonly blocks: readonly Block[]
  readonly sought: string
  readonly isNamed: boolean
  readonly isWrapped: boolean
}

function Pane({ blocks, sought, isNamed, isWrapped }: PaneProps) {
  const { t } = useTranslation('endpoint')
  const pane = useRef<HTMLElement>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  useLayoutEffect(() => {
    const { current } = pane
    if (current && isAtEnd) current.scrollTop = current.scrollHeight
  }, [blocks, sought, isWrapped, isAtEnd])
  return (
    <div className="log-place">
      <section
        ref={pane}
        className={isWrapped ? 'log wrapped' : 'log'}
        aria-label={t('logs')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard (WCAG 2.1.1)
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setAtEnd(scrollHeight - scrollTop - clientHeight < 40)
        }
      >
        {blocks.map(({ number, lines }) => (
          <Lines key={number} lines={lines} sought={sought} isNamed={isNamed} />
        ))}
      </section>
      {!isAtEnd && (
        <Button size="small" className="log-end" onClick={() => setAtEnd(true)}>
          {t('toEnd')}
        </Button>
      )}
    </div>
  )
}

interface LogsProps {
  readonly workspace: string
  readonly endpoint: string
  readonly replicas: readonly ReplicaDocument[]
  /** Of one replica alone, which cannot be changed. */
  readonly only?: string
}

function Logs({ workspace, endpoint, replicas, only }: LogsProps) {
  const { t } = useTranslation('endpoint')
  const navigate = useNavigate({ from: '/$plural/$workspace/$name' })
  const { replica: asked = '' } = useSearch({ from: '/$plural/$workspace/$name' })
  const [previous, setPrevious] = useState(false)
  const [isWrapped, setWrapped] = useState(false)
  const [written, write] = useState('')
  const [paused, pause] = useState<readonly Block[]>()
  const sought = useDeferredValue(written.trim())
  const names = replicas.map(({ metadata }) => metadata.name)
  const replica = only ?? (names.includes(asked) ? asked : '')
  const followed = useLogs({
    workspace,
    endpoint,
    replica,
    previous,
    there: replicas
      .map(({ metadata }) => metadata.id)
      .toSorted()
      .join(' '),
  })
  const blocks = paused ?? followed.blocks
  const all = lengthOf(blocks)
  const found = useMemo(
    () => blocks.reduce((sum, { lines }) => sum + lines.filter(has(sought)).length, 0),
    [blocks, sought],
  )
  const news = paused ? newsSince(paused, followed.blocks) : 0
  return (
    <>
      <div className="tools">
        {only === undefined && (
          <Select
            className="log-replica"
            aria-label={t('replica')}
            value={replica}
            options={[{ value: '', label: t('all') }, ...names.map(name => ({ value: name, label: name }))]}
            onChange={value => {
              pause(undefined)
              void navigate({
                search: { tab: 'logs', ...(value !== '' && { replica: value }) },
                replace: true,
              })
            }}
          />
        )}
        <Select
          aria-label={t('run')}
          value={previous}
          options={[
            { value: false, label: t('thisRun') },
            { value: true, label: t('earlierRun') },
          ]}
          onChange={value => {
            pause(undefined)
            setPrevious(value)
          }}
        />
        <Input.Search
          allowClear
          placeholder={t('search')}
          aria-label={t('search')}
          value={written}
          onChange={({ target: { value } }) => write(value)}
        />
        <Checkbox checked={isWrapped} onChange={({ target: { checked } }) => setWrapped(checked)}>
          {t('wrap')}
        </Checkbox>
        <span className="spring" />
        <span className="quiet">
          {sought === '' ? t('lines', { count: all }) : t('found', { found, all })}
        </span>
        {!previous && (
          <Button
            onClick={() => pause(paused ? undefined : followed.blocks)}
            aria-pressed={paused !== undefined}
          >
            {paused ? (news > 0 ? t('resumeNew', { count: news }) : t('resume')) : t('pause')}
          </Button>
        )}
        <Button
          disabled={all === 0}
          onClick={() => {
            pause(undefined)
            followed.clear()
          }}
        >
          {t('clear')}
        </Button>
        <Button
          disabled={all === 0}
          onClick={() => keepText(`${replica || endpoint}.log`, textOf(blocks), 'text/plain')}
        >
          {t('keep')}
        </Button>
      </div>
      {followed.fault && <FaultAlert fault={followed.fault} />}
      {followed.isCut && <Alert type="warning" showIcon title={t('cut')} />}
      {all === 0 || found === 0 ? (
        <Nothing says={replicas.length === 0 ? t('noReplicas') : all === 0 ? t('noLines') : t('noneFound')} />
      ) : (
        <Pane
          blocks={blocks}
          sought={sought}
          isNamed={replica === '' && replicas.length > 1}
          isWrapped={isWrapped}
        />
      )}
    </>
  )
}

/** Lines that came after it was paused, as far as they are kept. */
function newsSince(paused: readonly Block[], now: readonly Block[]): number {
  const last = paused.at(-1)
  if (!last) return lengthOf(now)
  const later = now.filter(({ number }) => number >= last.number)
  const isThere = later[0]?.number === last.number
  return lengthOf(later) - (isThere ? last.lines.length : 0)
}

export default function LogsTab({ document }: Shown) {
  const { t } = useTranslation('endpoint')
  const may = useMay()
  const seen = useSeen<ReplicaDocument>('Replica')
  const { workspace, name } = document.metadata
  const replica = document.kind === 'Replica' ? (document as ReplicaDocument) : undefined
  const endpoint = replica?.spec.endpoint ?? name
  if (!may('endpoint:logs', workspace))
    return <Forbidden what={t('logsForbidden')} permission="endpoint:logs" />
  const replicas = replica
    ? [replica]
    : seen.documents.filter(
        ({ metadata, spec }) => metadata.workspace === workspace && spec.endpoint === endpoint,
      )
  return (
    <Logs
      workspace={workspace ?? ''}
      endpoint={endpoint}
      replicas={replicas}
      {...(replica && { only: name })}
    />
  )
}
