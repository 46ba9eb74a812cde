// The workspace that is looked at. A list that can be searched is heavy, and comes when somebody opens it.
import { Button } from 'antd'
import { lazy, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLive } from '../kinds/live.tsx'
import { prefer, usePreferences } from '../preferences.ts'

const Select = lazy(async () => ({ default: (await import('antd/es/select')).default }))

export function WorkspaceSwitch() {
  const { t } = useTranslation()
  const { workspace } = usePreferences()
  const { documents } = useLive('Workspace')
  const [isOpen, setOpen] = useState(false)
  const everywhere = { value: '', label: t('shell.everywhere') }
  const options = [
    everywhere,
    ...documents.map(({ metadata: { name, displayName } }) => ({ value: name, label: displayName ?? name })),
  ]
  const { label } = options.find(({ value }) => value === workspace) ?? { label: workspace }
  const closed = (
    <Button
      className="workspace"
      aria-label={`${t('shell.workspace')}: ${label}`}
      aria-haspopup="listbox"
      aria-expanded={false}
      onClick={() => setOpen(true)}
    >
      <span>{label}</span> <span aria-hidden="true">▾</span>
    </Button>
  )
  if (!isOpen) return closed
  return (
    <Suspense fallback={closed}>
      <Select
        className="workspace"
        aria-label={t('shell.workspace')}
        autoFocus
        open
        showSearch={{ optionFilterProp: 'label' }}
        value={workspace}
        options={options}
        onOpenChange={setOpen}
        onChange={value => {
          if (typeof value === 'string') prefer({ workspace: value })
          setOpen(false)
        }}
      />
    </Suspense>
  )
}
