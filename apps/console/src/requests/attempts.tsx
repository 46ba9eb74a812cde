// The attempts of a request on one line of time, as its gateway saw them: what waited, what answered, what failed before it;
// and as sentences for whoever does not see them.
import { useTranslation } from 'react-i18next'
import { useMeasures } from '../parts/measures.ts'
import type { AttemptTimes } from './request.ts'
import './timeline.css'
import './words.ts'

/** Four moments and the end. */
const marks = [0, 0.25, 0.5, 0.75, 1]

type Part = 'waiting' | 'answering' | 'failed'
interface Stretch {
  readonly part: Part
  readonly from: number
  readonly to: number
}

/** Until its first content an attempt waits; what ended without one has failed all along. */
function stretchesOf({ outcome, startMs, contentMs, endMs }: AttemptTimes): readonly Stretch[] {
  const isGood = outcome === 'answered'
  if (contentMs === undefined) return [{ part: isGood ? 'waiting' : 'failed', from: startMs, to: endMs }]
  const after: Part = isGood ? 'answering' : 'failed'
  return [
    { part: 'waiting', from: startMs, to: contentMs },
    { part: after, from: contentMs, to: Math.max(endMs, contentMs) },
  ]
}

interface AttemptsProps {
  readonly attempts: readonly AttemptTimes[]
  /** From admission to the end of the request. */
  readonly milliseconds: number
}

export function Attempts({ attempts, milliseconds }: AttemptsProps) {
  const { t } = useTranslation('requests')
  const { duration } = useMeasures()
  const time = (value: number) => duration(value / 1000)
  const whole = Math.max(1, milliseconds, ...attempts.map(({ endMs }) => endMs))
  if (attempts.length === 0) return <p className="quiet">{t('noAttempts')}</p>
  const seen = new Set(attempts.flatMap(stretchesOf).map(({ part }) => part))
  return (
    <figure className="timeline">
      <ol>
        {attempts.map((attempt, at) => {
          const { upstream, outcome, status, startMs, contentMs, endMs } = attempt
          const said = t(`outcomes.${outcome}`)
          return (
            // Attempts are in the order in which they were sent, and never change.
            <li key={`${startMs} ${upstream}`}>
              <span>
                {t('attempt', { number: at + 1 })} · {upstream}{' '}
                <span className="quiet">{status === 0 ? said : `${status} ${said}`}</span>
              </span>
              <span className="track" aria-hidden>
                {stretchesOf(attempt).map(({ part, from, to }) => (
                  <span
                    key={part}
                    className={`stretch ${part}`}
                    style={{ left: `${(from / whole) * 100}%`, width: `${((to - from) / whole) * 100}%` }}
                  />
                ))}
              </span>
              <span className="number" aria-hidden>
                {time(endMs - startMs)}
              </span>
              <span className="unseen">
                {contentMs === undefined
                  ? t('triedTold', { start: time(startMs), end: time(endMs) })
                  : t('answeredTold', { start: time(startMs), content: time(contentMs), end: time(endMs) })}
              </span>
            </li>
          )
        })}
      </ol>
      <div className="marks quiet" aria-hidden>
        {marks.map(mark => (
          <span key={mark}>{time(whole * mark)}</span>
        ))}
      </div>
      <figcaption className="quiet">
        {(['waiting', 'answering', 'failed'] as const)
          .filter(part => seen.has(part))
          .map(part => (
            <span key={part} className="key">
              <span className={`stretch ${part}`} aria-hidden /> {t(`parts.${part}`)}
            </span>
          ))}
        {t('timelineNote')}
      </figcaption>
    </figure>
  )
}
