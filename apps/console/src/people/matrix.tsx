// Permissions as a matrix: of what, and what with it.
import { Checkbox, Input, Tooltip } from 'antd'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { useRightsWords } from './said.ts'
import './people.css'
import './words.ts'

const common = ['read', 'create', 'update', 'delete'] as const

interface Line {
  readonly noun: string
  readonly verbs: readonly string[]
}

interface MatrixProps {
  /** All that there are, in the order of the table. */
  readonly permissions: readonly string[]
  /** By what it is held, in words; undefined where it is not. */
  readonly held: (permission: string) => string | undefined
  /** Of the file that the browser keeps. */
  readonly name: string
  readonly tools?: ReactNode
}

export function Matrix({ permissions, held, name, tools }: MatrixProps) {
  const { t } = useTranslation('people')
  const words = useRightsWords()
  const [wanted, setWanted] = useState('')
  const [isHeldOnly, setHeldOnly] = useState(true)
  const grouped = Map.groupBy(permissions, permission => permission.split(':')[0] ?? '')
  const lines = [...grouped].flatMap(([noun, all]): Line[] => {
    const text = `${noun} ${words.noun(noun)} ${all.join(' ')}`.toLowerCase()
    if (!text.includes(wanted.trim().toLowerCase())) return []
    if (isHeldOnly && all.every(permission => held(permission) === undefined)) return []
    return [{ noun, verbs: all.map(permission => permission.split(':')[1] ?? '') }]
  })
  const cell = (permission: string): ReactNode => {
    const by = held(permission)
    return by === undefined ? (
      <span className="quiet">–</span>
    ) : (
      <Tooltip title={by}>
        <span className="allowed" role="img" aria-label={`${t('yes')}: ${by}`}>
          ✓
        </span>
      </Tooltip>
    )
  }
  const more = ({ noun, verbs }: Line) =>
    verbs.filter(verb => !common.some(each => each === verb) && held(`${noun}:${verb}`) !== undefined)
  const columns: readonly FactColumn<Line>[] = [
    {
      key: 'noun',
      title: t('noun'),
      text: ({ noun }) => noun,
      render: ({ noun }) => (
        <>
          {words.noun(noun)} <code className="quiet">{noun}</code>
        </>
      ),
    },
    ...common.map(
      (verb): FactColumn<Line> => ({
        key: verb,
        title: t(`verbs.${verb}`),
        text: ({ noun }) => (held(`${noun}:${verb}`) === undefined ? '' : t('yes')),
        render: ({ noun, verbs }) => (verbs.includes(verb) ? cell(`${noun}:${verb}`) : undefined),
      }),
    ),
    {
      key: 'more',
      title: t('more'),
      text: line => more(line).join(' '),
      render: line =>
        more(line).map((verb, index) => (
          <Tooltip key={verb} title={held(`${line.noun}:${verb}`)}>
            <span className="allowed">
              {index > 0 && ', '}
              {words.verb(verb)}
            </span>
          </Tooltip>
        )),
    },
  ]
  return (
    <FactTable
      name={name}
      label={t('matrix')}
      columns={columns}
      rowKey={({ noun }) => noun}
      facts={lines}
      empty={t('noneHeld')}
      tools={
        <>
          {tools}
          <Input
            allowClear
            className="filter"
            placeholder={t('filter')}
            aria-label={t('filter')}
            value={wanted}
            onChange={({ target }) => setWanted(target.value)}
          />
          <Checkbox checked={isHeldOnly} onChange={({ target }) => setHeldOnly(target.checked)}>
            {t('heldOnly')}
          </Checkbox>
        </>
      }
    />
  )
}
