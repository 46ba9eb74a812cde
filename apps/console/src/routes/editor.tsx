// The tiers as a table: who stands where, with which weight, and how each is; whoever may change the route does so here.
import { Button, Input, InputNumber, Select, Table } from 'antd'
import { useTranslation } from 'react-i18next'
import { isLent, referenceTo, useSeen } from '../kinds/seen.ts'
import { usePreferences } from '../preferences.ts'
import {
  nameOf,
  type ProviderDocument,
  percent,
  type RouteDocument,
  shareIn,
  type Target,
  type Tier,
  type Tiers,
} from './documents.ts'
import { type Explanation, explainedOf, moodOf, wordOf } from './explanation.ts'

interface EditorProps {
  readonly route: RouteDocument
  readonly tiers: Tiers
  readonly explanation: Explanation | undefined
  readonly mayChange: boolean
  readonly onChange: (tiers: Tiers) => void
}

/** What a target may lead to, as one list: `e/NAME` and `p/REFERENCE`. */
function useChoices(workspace: string) {
  const { t } = useTranslation('routes')
  const endpoints = useSeen('Endpoint')
  const providers = useSeen<ProviderDocument>('Provider')
  return [
    {
      label: t('edit.endpoint'),
      options: endpoints.documents
        .filter(({ metadata }) => metadata.workspace === workspace)
        .map(({ metadata: { name } }) => ({ value: `e/${name}`, label: name })),
    },
    {
      label: t('edit.provider'),
      options: providers.documents
        .filter(one => isLent(one, workspace))
        .map(one => ({ value: `p/${referenceTo(one)}`, label: referenceTo(one) })),
    },
  ]
}

const targetFrom = (value: string): Target =>
  value.startsWith('e/')
    ? { endpoint: value.slice(2), weight: 100 }
    : { provider: value.slice(2), weight: 100 }

export function Editor({ route, tiers, explanation, mayChange, onChange }: EditorProps) {
  const { t } = useTranslation('routes')
  const choices = useChoices(route.metadata.workspace ?? '')
  const set = (place: number, tier: Tier) =>
    onChange(tiers.map((one, index) => (index === place ? tier : one)))
  /** Moves a target between tiers; one beyond the last makes a tier of its own, and an empty one goes. */
  const move = (from: number, place: number, to: number) => {
    const target = tiers[from]?.targets[place]
    if (!target) return
    const left = tiers.map((tier, index) =>
      index === from ? { ...tier, targets: tier.targets.filter((_, one) => one !== place) } : tier,
    )
    const grown =
      to < left.length
        ? left.map((tier, index) => (index === to ? { ...tier, targets: [...tier.targets, target] } : tier))
        : [...left, { strategy: 'weighted' as const, targets: [target] }]
    onChange(grown.filter(({ targets }) => targets.length > 0))
  }
  return (
    <>
      {tiers.map((tier, index) => (
        <TierTable
          // Tiers have no name but their place.
          key={`tier ${index}`}
          route={route}
          tier={tier}
          place={index}
          last={tiers.length - 1}
          explanation={explanation}
          mayChange={mayChange}
          choices={choices}
          onChange={changed => set(index, changed)}
          onMove={(target, to) => move(index, target, to)}
          onRemove={() => onChange(tiers.filter((_, one) => one !== index))}
        />
      ))}
      {mayChange && tiers.length < 8 && (
        <Select
          className="field-control"
          aria-label={t('edit.addTier')}
          placeholder={t('edit.addTier')}
          value={null}
          options={choices}
          onChange={(value: string | null) =>
            value !== null && onChange([...tiers, { strategy: 'weighted', targets: [targetFrom(value)] }])
          }
        />
      )}
    </>
  )
}

interface TierProps {
  readonly route: RouteDocument
  readonly tier: Tier
  readonly place: number
  readonly last: number
  readonly explanation: Explanation | undefined
  readonly mayChange: boolean
  readonly choices: ReturnType<typeof useChoices>
  readonly onChange: (tier: Tier) => void
  readonly onMove: (target: number, to: number) => void
  readonly onRemove: () => void
}

const strategies = ['weighted', 'least_load', 'latency', 'cost', 'prefix', 'session'] as const

function TierTable(props: TierProps) {
  const { route, tier, place, last, explanation, mayChange, choices, onChange, onMove, onRemove } = props
  const { t } = useTranslation('routes')
  const { language } = usePreferences()
  const isKnown = explanation?.route?.id === route.metadata.name
  const change = (index: number, target: Target) =>
    onChange({ ...tier, targets: tier.targets.map((one, at) => (at === index ? target : one)) })
  return (
    <section className="tier-table" aria-label={t('tier', { number: place + 1 })}>
      <div className="tools">
        <strong>{t('tier', { number: place + 1 })}</strong>
        <Select
          className="workspace"
          aria-label={t('edit.strategy', { number: place + 1 })}
          disabled={!mayChange}
          value={tier.strategy}
          options={strategies.map(value => ({ value, label: t(`strategies.${value}`) }))}
          onChange={strategy => onChange({ ...tier, strategy })}
        />
        <span className="spring" />
        {mayChange && (
          <>
            <Select
              className="workspace"
              aria-label={t('edit.add')}
              placeholder={t('edit.add')}
              value={null}
              options={choices}
              onChange={(value: string | null) =>
                value !== null && onChange({ ...tier, targets: [...tier.targets, targetFrom(value)] })
              }
            />
            {last > 0 && <Button onClick={onRemove}>{t('edit.removeTier')}</Button>}
          </>
        )}
      </div>
      <Table<Target & { readonly index: number }>
        size="small"
        rowKey="index"
        pagination={false}
        scroll={{ x: 'max-content' }}
        dataSource={tier.targets.map((target, index) => ({ ...target, index }))}
        columns={[
          {
            title: t('edit.target'),
            render: (_, target) => (
              <>
                {nameOf(target)}{' '}
                <span className="quiet">
                  {t(target.endpoint === undefined ? 'edit.provider' : 'edit.endpoint')}
                </span>
              </>
            ),
          },
          {
            title: t('edit.model'),
            render: (_, { index, ...target }) =>
              target.endpoint !== undefined ? (
                <span className="quiet">–</span>
              ) : (
                <Input
                  aria-label={t('edit.modelOf', { target: nameOf(target) })}
                  className="narrow-control"
                  disabled={!mayChange}
                  value={target.model ?? ''}
                  placeholder={t('edit.modelOwn')}
                  onChange={({ target: { value } }) => {
                    const { model: _, ...others } = target
                    change(index, value === '' ? others : { ...others, model: value })
                  }}
                />
              ),
          },
          {
            title: t('edit.weight'),
            align: 'end',
            render: (_, { index, ...target }) => (
              <InputNumber
                aria-label={t('edit.weightOf', { target: nameOf(target) })}
                disabled={!mayChange}
                min={0}
                max={1000}
                precision={0}
                value={target.weight}
                onChange={weight => change(index, { ...target, weight: weight ?? 0 })}
              />
            ),
          },
          {
            title: t('edit.share'),
            align: 'end',
            render: (_, target) => {
              const share = shareIn(tier, target)
              return share === undefined ? <span className="quiet">–</span> : percent(share, language)
            },
          },
          {
            title: t('edit.health'),
            render: (_, { index: _index, ...target }) => {
              const explained = explainedOf(explanation, route.metadata.name, place, target)
              const mood = moodOf(explained, isKnown)
              const word = wordOf(explained)
              return (
                <>
                  <span className={`mood-dot ${mood}`} aria-hidden="true" /> {t(`moods.${mood}`)}
                  {word !== undefined && mood === 'ill' && <div className="quiet">{t(`words.${word}`)}</div>}
                </>
              )
            },
          },
          {
            title: '',
            key: 'acts',
            render: (_, { index, ...target }) =>
              mayChange && (
                <span className="acts">
                  <Button
                    size="small"
                    disabled={place === 0}
                    title={t('edit.up')}
                    aria-label={`${t('edit.up')}: ${nameOf(target)}`}
                    onClick={() => onMove(index, place - 1)}
                  >
                    ↑
                  </Button>
                  <Button
                    size="small"
                    disabled={place === last && tier.targets.length === 1}
                    title={t('edit.down')}
                    aria-label={`${t('edit.down')}: ${nameOf(target)}`}
                    onClick={() => onMove(index, place + 1)}
                  >
                    ↓
                  </Button>
                  <Button
                    size="small"
                    disabled={tier.targets.length === 1}
                    aria-label={`${t('edit.remove')}: ${nameOf(target)}`}
                    onClick={() =>
                      onChange({ ...tier, targets: tier.targets.filter((_one, at) => at !== index) })
                    }
                  >
                    {t('edit.remove')}
                  </Button>
                </span>
              ),
          },
        ]}
      />
    </section>
  )
}
