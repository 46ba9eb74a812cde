// Keys that work everywhere. What they do is loaded with the first of them: the first screen has no room for it.
import { Button } from 'antd'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { currentPreferences } from '../preferences.ts'
import { SearchIcon } from './icons.tsx'

/** A key that nothing on the page takes for itself; the same key twice is two of them. */
export interface Pressed {
  /** `palette`, or the character. */
  readonly key: string
}

const Keyboard = lazy(() => import('../palette/keyboard.tsx'))
const taken = 'input, textarea, select, [contenteditable=true], [role=dialog], [role=menu], [role=listbox]'

function pressedBy({ key, target, ctrlKey, metaKey, altKey }: KeyboardEvent): Pressed | undefined {
  if ((ctrlKey || metaKey) && key.toLowerCase() === 'k') return { key: 'palette' }
  if (ctrlKey || metaKey || altKey || !/^[a-z/?]$/.test(key) || !currentPreferences().shortcuts)
    return undefined
  return target instanceof Element && target.closest(taken) ? undefined : { key }
}

export function Keys() {
  const { t } = useTranslation()
  const [pressed, press] = useState<Pressed>()
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const one = pressedBy(event)
      if (!one) return
      if (one.key === 'palette' || one.key === '/') event.preventDefault()
      press(one)
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
  return (
    <>
      <Button
        type="text"
        icon={<SearchIcon />}
        aria-label={t('shell.palette')}
        aria-keyshortcuts="Control+K Meta+K"
        onClick={() => press({ key: 'palette' })}
      />
      {pressed && (
        <Suspense>
          <Keyboard pressed={pressed} />
        </Suspense>
      )}
    </>
  )
}
