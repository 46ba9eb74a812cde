// Deploying a model, step by step: what is said is kept, the step stands in the address, and nothing is written
// before the last.
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Alert, Button, Steps, Typography } from 'antd'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { usePreferences } from '../preferences.ts'
import { Loading } from '../shell/states.tsx'
import { blank, type Draft, isSaid, type Step, steps, useDraft } from './draft.ts'
import { EngineStep } from './engine.tsx'
import { ModelStep } from './model.tsx'
import { PlaceStep } from './place.tsx'
import { ResourcesStep } from './resources.tsx'
import { Review } from './review.tsx'
import { ServingStep } from './serving.tsx'
import { useWorkspaces } from './step.ts'
import './words.ts'
import './deploy.css'

const bodies = {
  place: PlaceStep,
  model: ModelStep,
  engine: EngineStep,
  resources: ResourcesStep,
  serving: ServingStep,
} as const

export function Wizard() {
  const { t } = useTranslation('deploy')
  const navigate = useNavigate({ from: '/deploy' })
  const search = useSearch({ from: '/deploy' })
  const { workspace: here } = usePreferences()
  const { names, isComplete } = useWorkspaces()
  const [draft, change] = useDraft()
  const step: Step = steps.find(one => one === search.step) ?? 'place'
  const at = steps.indexOf(step)
  const go = (to: Step) => void navigate({ search: { step: to } })
  const first = names.includes(here) ? here : (names.find(name => name === 'default') ?? names[0])
  useEffect(() => {
    if (draft.workspace === '' && first !== undefined) change({ workspace: first })
  })
  const { model, workspace } = search
  // Somebody has chosen a model elsewhere: what was said of another engine does not hold for it.
  useEffect(() => {
    if (model === undefined) return
    change({
      model,
      engine: undefined,
      version: undefined,
      arguments: {},
      name: '',
      ...(workspace !== undefined && { workspace }),
    })
    void navigate({ search: { step: 'place' }, replace: true })
  })
  if (!isComplete) return <Loading />
  if (names.length === 0)
    return (
      <>
        <Typography.Title level={1}>{t('title')}</Typography.Title>
        <Alert type="info" showIcon title={t('noWorkspace')} />
      </>
    )
  const Body = step === 'review' ? undefined : bodies[step]
  return (
    <>
      <div className="deploy-head">
        <Typography.Title level={1}>{t('title')}</Typography.Title>
        <Button
          onClick={() => {
            change({ ...blankAgain, workspace: first ?? '' })
            go('place')
          }}
        >
          {t('afresh')}
        </Button>
      </div>
      <Typography.Paragraph type="secondary">{t('doc')}</Typography.Paragraph>
      <Steps
        className="deploy-steps"
        size="small"
        current={at}
        onChange={index => go(steps[index] ?? 'place')}
        items={steps.map((one, index) => ({
          title: t(`steps.${one}`),
          status:
            index === at
              ? ('process' as const)
              : index < at
                ? isSaid(draft, one)
                  ? ('finish' as const)
                  : ('error' as const)
                : ('wait' as const),
        }))}
      />
      <section className="deploy-body" aria-label={t(`steps.${step}`)}>
        {Body ? <Body draft={draft} change={change} /> : <Review draft={draft} go={go} />}
      </section>
      <div className="deploy-foot">
        <Button disabled={at === 0} onClick={() => go(steps[at - 1] ?? 'place')}>
          {t('back')}
        </Button>
        {step !== 'review' && (
          <Button
            type="primary"
            disabled={!isSaid(draft, step)}
            onClick={() => go(steps[at + 1] ?? 'review')}
          >
            {t('next')}
          </Button>
        )}
      </div>
    </>
  )
}

/** Says of everything that it has not been said. */
const blankAgain: Draft = {
  ...blank,
  cluster: undefined,
  model: undefined,
  engine: undefined,
  version: undefined,
  tokens: undefined,
  sequences: undefined,
  cpu: undefined,
  memory: undefined,
  accelerator: undefined,
  product: undefined,
  devices: undefined,
  idleSeconds: undefined,
  holdRequests: undefined,
  holdSeconds: undefined,
  startupSeconds: undefined,
}
