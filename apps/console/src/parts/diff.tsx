// Two texts and what is different between them: below each other, or side by side. Each line says what it is in words
// too, for whoever does not see colours.
import { Fragment } from 'react'
import { useTranslation } from 'react-i18next'
import { Nothing } from '../shell/states.tsx'
import './editing-words.ts'
import './editor.css'
import { hunksOf, type LineChange, lineChanges, pairsOf } from './lines.ts'

export interface DiffProps {
  readonly before: string
  readonly after: string
  /** `Before` and `After` when absent. */
  readonly titles?: readonly [before: string, after: string]
  /** Side by side; below each other when absent. */
  readonly isSplit?: boolean
  /** How it is called to whoever does not see it. */
  readonly label: string
}

/** Lines that are shown around a change. */
const around = 3

function Line({ change }: { readonly change: LineChange | undefined }) {
  const { t } = useTranslation('editing')
  if (!change) return <td />
  const { type, text } = change
  if (type === 'same') return <td>{`  ${text}`}</td>
  return (
    <td className={type}>
      <span className="unseen">{t(type)}: </span>
      {type === 'removed' ? <del>{`− ${text}`}</del> : <ins>{`+ ${text}`}</ins>}
    </td>
  )
}

const numberOf = (change: LineChange, side: 'before' | 'after') =>
  side === 'before'
    ? change.type === 'added'
      ? ''
      : change.before
    : change.type === 'removed'
      ? ''
      : change.after

function Unified({ lines }: { readonly lines: readonly LineChange[] }) {
  return lines.map(change => (
    <tr key={`${change.type} ${numberOf(change, 'before')} ${numberOf(change, 'after')}`}>
      <td className="number">{numberOf(change, 'before')}</td>
      <td className="number">{numberOf(change, 'after')}</td>
      <Line change={change} />
    </tr>
  ))
}

function Split({ lines }: { readonly lines: readonly LineChange[] }) {
  return pairsOf(lines).map(({ before, after }) => (
    <tr key={`${before?.before} ${after?.after}`}>
      <td className="number">{before?.before}</td>
      <Line change={before} />
      <td className="number">{after?.after}</td>
      <Line change={after} />
    </tr>
  ))
}

export function Diff({ before, after, titles, isSplit = false, label }: DiffProps) {
  const { t } = useTranslation('editing')
  const changes = lineChanges(before, after)
  if (changes.every(({ type }) => type === 'same')) return <Nothing says={t('same')} />
  const [old, young] = titles ?? [t('before'), t('after')]
  let from = 0
  return (
    // A frame that scrolls is reached by the keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <section className={isSplit ? 'diff split' : 'diff'} aria-label={label} tabIndex={0}>
      <table>
        <thead>
          {isSplit ? (
            <tr>
              <th className="number" aria-label={t('line')} />
              <th>{old}</th>
              <th className="number" aria-label={t('line')} />
              <th>{young}</th>
            </tr>
          ) : (
            <tr>
              <th className="number" aria-label={`${t('line')}, ${old}`} />
              <th className="number" aria-label={`${t('line')}, ${young}`} />
              <th>
                {old} → {young}
              </th>
            </tr>
          )}
        </thead>
        <tbody>
          {hunksOf(changes, around).map(hunk => {
            const key = from
            from += hunk.type === 'gap' ? hunk.count : hunk.lines.length
            if (hunk.type === 'gap')
              return (
                <tr key={key}>
                  <td className="gap" colSpan={isSplit ? 4 : 3}>
                    {t('unchanged', { count: hunk.count })}
                  </td>
                </tr>
              )
            return (
              <Fragment key={key}>
                {isSplit ? <Split lines={hunk.lines} /> : <Unified lines={hunk.lines} />}
              </Fragment>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
