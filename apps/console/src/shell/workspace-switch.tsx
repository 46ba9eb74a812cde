// The workspace that is looked at.
import { useTranslation } from 'react-i18next'
import { useLive } from '../kinds/live.tsx'
import { prefer, usePreferences } from '../preferences.ts'
import { Pick } from './pick.tsx'

export function WorkspaceSwitch() {
  const { t } = useTranslation()
  const { workspace } = usePreferences()
  const { documents } = useLive('Workspace')
  return (
    <Pick
      title={t('shell.workspace')}
      value={workspace}
      options={[
        { value: '', label: t('shell.everywhere') },
        ...documents.map(({ metadata: { name, displayName } }) => ({
          value: name,
          label: displayName ?? name,
        })),
      ]}
      onPick={picked => prefer({ workspace: picked })}
    />
  )
}
