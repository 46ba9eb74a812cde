// Language and theme, wherever they are chosen.
import { Button, Dropdown } from 'antd'
import { useTranslation } from 'react-i18next'
import { prefer, type Theme, usePreferences } from '../preferences.ts'
import { type Language, languages } from '../words/index.ts'
import { LanguageIcon, ThemeIcon } from './icons.tsx'

export function LanguageSwitch() {
  const { t } = useTranslation()
  const { language } = usePreferences()
  const items = Object.entries(languages).map(([key, label]) => ({ key, label }))
  return (
    <Dropdown
      trigger={['click']}
      menu={{ items, selectedKeys: [language], onClick: ({ key }) => prefer({ language: key as Language }) }}
    >
      <Button type="text" icon={<LanguageIcon />} aria-label={t('shell.language')} />
    </Dropdown>
  )
}

const themes = ['light', 'dark', 'system'] as const satisfies readonly Theme[]

export function ThemeSwitch() {
  const { t } = useTranslation()
  const { theme } = usePreferences()
  const items = themes.map(key => ({ key, label: t(`shell.${key}`) }))
  return (
    <Dropdown
      trigger={['click']}
      menu={{ items, selectedKeys: [theme], onClick: ({ key }) => prefer({ theme: key as Theme }) }}
    >
      <Button type="text" icon={<ThemeIcon />} aria-label={t('shell.theme')} />
    </Dropdown>
  )
}
