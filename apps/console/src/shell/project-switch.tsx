// The project that is looked at, of a workspace that has several.
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useLive } from '../kinds/live.tsx'
import { preferProject, projectOf, usePreferences } from '../preferences.ts'
import { Pick } from './pick.tsx'

export default function ProjectSwitch() {
  const { t } = useTranslation()
  const preferences = usePreferences()
  const { documents, isComplete } = useLive('Project')
  const project = projectOf(preferences)
  const here = documents.filter(({ metadata }) => metadata.workspace === preferences.workspace)
  const isGone = isComplete && project !== '' && !here.some(({ metadata }) => metadata.name === project)
  useEffect(() => {
    if (isGone) preferProject('')
  }, [isGone])
  if (here.length < 2 && project === '') return null
  return (
    <Pick
      title={t('shell.project')}
      value={project}
      options={[
        { value: '', label: t('shell.allProjects') },
        ...here.map(({ metadata: { name, displayName } }) => ({ value: name, label: displayName ?? name })),
      ]}
      onPick={preferProject}
    />
  )
}
