// The attempts of a request of which only the ends are known, as what was recorded by gateways of before: bars from admission
// on, and sentences for whoever does not see them.
import type { EndReason } from '@switchyard/runtime'
import { useTranslation } from 'react-i18next'
import { useMeasures } from '../parts/measures.ts'
import { lengthOf, moodOf, partsOf, type UsageEvent } from './request.ts'
import './timeline.css'
import './words.ts'

/** Four moments and the end. */
const marks = [0, 0.25, 0.5, 0.75, 1]

interface TimelineProps {
  readonly events: readonly UsageEvent[]
  /** Why no more is known, and what the bars are. */
  readonly note: string
}

export function Timeline({ events, note }: TimelineProps) {
  const { t } = useTranslation('requests')
  const { duration } = useMeasures()
  const after = (event: UsageEvent) => lengthOf(event.time, event.ended_at)
  const whole = Math.max(1, ...events.map(after))
  // What the caller does not pay of a call is of the same attempt.
  const attempts = events
    .filter(event => partsOf(event).part !== 'rest')
    .toSorted((one, other) => partsOf(one).attempt - partsOf(other).attempt)
  return (
    <figure className="timeline">
      <ol>
        {attempts.map(event => {
          const { attempt, part } = partsOf(event)
          const { status, upstream, end_reason: end, id } = event
          const place = event.provider ?? (upstream || t('nowhere'))
          return (
            <li key={id}>
              <span>
                {t('attempt', { number: attempt })} · {place}{' '}
                <span className="quiet">{t(`part.${part === 'spare' ? 'spare' : 'call'}`)}</span>
              </span>
              <span className="track" aria-hidden>
                <span
                  className={`bar ${moodOf(status)}`}
                  style={{ width: `${(after(event) / whole) * 100}%` }}
                >
                  {status}
                </span>
              </span>
              <span className="number" aria-hidden>
                {duration(after(event) / 1000)}
              </span>
              <span className="unseen">
                {t('attemptTold', {
                  number: attempt,
                  upstream: place,
                  end: t(`ends.${end as EndReason}`), // one of the ends of the API
                  status,
                  after: duration(after(event) / 1000),
                })}
              </span>
            </li>
          )
        })}
      </ol>
      <div className="marks quiet" aria-hidden>
        {marks.map(mark => (
          <span key={mark}>{duration((whole * mark) / 1000)}</span>
        ))}
      </div>
      <figcaption className="quiet">{note}</figcaption>
    </figure>
  )
}
