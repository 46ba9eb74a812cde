// What somebody does first, as long as it is not done.
import { Link, type LinkProps } from '@tanstack/react-router'
import { Card } from 'antd'
import { useTranslation } from 'react-i18next'
import { useSeen } from '../kinds/seen.ts'
import '../traffic/words.ts'

interface Step {
  readonly name: 'deploy' | 'key' | 'ask'
  readonly to: LinkProps
  readonly isDone: boolean
}

export function FirstSteps({ isAsked }: { readonly isAsked: boolean }) {
  const { t } = useTranslation('traffic')
  const endpoints = useSeen('Endpoint')
  const routes = useSeen('Route')
  const keys = useSeen('ApiKey')
  if (!endpoints.isComplete || !routes.isComplete || !keys.isComplete) return undefined
  const isServing = endpoints.documents.length + routes.documents.length > 0
  const steps: readonly Step[] = [
    { name: 'deploy', to: { to: '/deploy' }, isDone: isServing },
    {
      name: 'key',
      to: { to: '/apikeys/new' },
      isDone: keys.documents.length > 0,
    },
    { name: 'ask', to: { to: '/playground' }, isDone: isAsked },
  ]
  if (steps.every(({ name, isDone }) => isDone || name === 'ask')) return undefined
  return (
    <Card size="small" className="first-steps" title={t('steps')}>
      <ol>
        {steps.map(({ name, to, isDone }) => (
          <li key={name}>
            {isDone ? (
              <span>
                {t(name)} ✓ <span className="unseen">{t('done')}</span>
              </span>
            ) : (
              <Link {...to}>{t(name)}</Link>
            )}
            <span className="quiet note">{t(`${name}Note`)}</span>
          </li>
        ))}
      </ol>
    </Card>
  )
}
