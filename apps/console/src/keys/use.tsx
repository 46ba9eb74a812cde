// How a key is used: the examples, the limits above it as they stand, and how its secret is replaced or put out of use.
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Shown } from '../kinds/own.ts'
import './keys.css'
import { fits } from './fits.ts'
import { LimitsNow } from './limits-now.tsx'
import { useModels } from './models.ts'
import { Snippets } from './snippets.tsx'
import { Turns } from './turns.tsx'
import './words.ts'

export default function KeyUse({ kind, document }: Shown) {
  const { t } = useTranslation('keys')
  const { workspace, project, name } = document.metadata
  const { models } = document.spec as { readonly models?: readonly string[] } // ApiKey.spec
  const { names } = useModels({ workspace: workspace ?? '', ...(project !== null && { project }) })
  const callable = models ? names.filter(one => fits(models, one)) : names
  return (
    <>
      <Turns kind={kind} document={document} models={callable} />
      <Typography.Title level={2} className="section">
        {t('calling')}
      </Typography.Title>
      <Snippets models={callable} />
      {callable[0] !== undefined && <LimitsNow workspace={workspace ?? ''} name={name} model={callable[0]} />}
    </>
  )
}
