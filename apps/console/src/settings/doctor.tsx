// The doctor of the server: run by a button, each check with what was found and what to do.
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Moment } from '../kinds/cells.tsx'
import { useSaid } from '../kinds/said.ts'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { Act } from '../people/act.tsx'
import { useExchange } from '../session/context.tsx'
import './words.ts'

interface Checked {
  readonly name: string
  readonly asserts: string
  readonly status: 'pass' | 'warn' | 'fail'
  readonly found: string
  readonly todo?: string
  readonly milliseconds: number
}

interface Report {
  readonly at: string
  readonly passed: number
  readonly warned: number
  readonly failed: number
  readonly checks: readonly Checked[]
}

const moods = { pass: 'good', warn: 'busy', fail: 'bad' } as const
const urgency = { fail: 0, warn: 1, pass: 2 } as const

export function Doctor() {
  const { t } = useTranslation('settings')
  const said = useSaid()
  const exchange = useExchange()
  const [report, setReport] = useState<Report>()
  const columns: readonly FactColumn<Checked>[] = [
    {
      key: 'status',
      title: t('state'),
      text: ({ status }) => t(`statuses.${status}`),
      render: ({ status }) => <span className={`phase ${moods[status]}`}>{t(`statuses.${status}`)}</span>,
    },
    {
      key: 'name',
      title: t('check'),
      text: ({ name }) => name,
      render: ({ name, asserts }) => (
        <span className="told">
          <strong>{name}</strong> <span className="quiet">{said.check(name, 'asserts', asserts)}</span>
        </span>
      ),
    },
    {
      key: 'found',
      title: t('found'),
      text: ({ found }) => found,
      render: ({ name, found, todo }) => (
        <span className="told">
          <span lang="en">{found}</span>
          {todo !== undefined && (
            <>
              <br />
              <strong>{t('todo')}</strong> {said.check(name, 'todos', todo)}
            </>
          )}
        </span>
      ),
    },
    { key: 'took', title: t('took'), align: 'end', text: ({ milliseconds }) => `${milliseconds} ms` },
  ]
  return (
    <>
      <p className="quiet">{t('doctorAbout')}</p>
      <FactTable
        name="doctor"
        label={t('doctor')}
        columns={columns}
        rowKey={({ name }) => name}
        facts={[...(report?.checks ?? [])].sort((one, other) => urgency[one.status] - urgency[other.status])}
        empty={t('noChecks')}
        tools={
          <>
            <Act
              label={t('run')}
              act={async () => {
                const { body } = await exchange.send({ method: 'GET', path: '/api/v1/doctor' })
                setReport(body as Report) // the console and the server are built together
              }}
            />
            {report && (
              <span role="status">
                {t('examined', { passed: report.passed, warned: report.warned, failed: report.failed })},{' '}
                <Moment at={report.at} />
              </span>
            )}
          </>
        }
      />
    </>
  )
}
