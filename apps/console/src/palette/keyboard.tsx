// What the keys do that work everywhere. A screen says which of its own buttons a key presses by `aria-keyshortcuts`.
import { useRouter } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import type { Pressed } from '../shell/keys.tsx'
import { Help } from './help.tsx'
import { Palette } from './palette.tsx'
import { usePlaces } from './places.ts'

/** Milliseconds between `g` and the letter of a screen. */
const patience = 1500

/** Of the screen, or of what was just said. */
const buttonOf = (key: string) =>
  `#content [aria-keyshortcuts="${key}"], .ant-message [aria-keyshortcuts="${key}"]`

const search = '#content input[type=search], #content .tools input'

export default function Keyboard({ pressed }: { readonly pressed: Pressed }) {
  const router = useRouter()
  const places = usePlaces()
  const [opened, open] = useState<'palette' | 'help'>()
  const taken = useRef<Pressed>(undefined)
  const goneAt = useRef(0)
  useEffect(() => {
    if (taken.current === pressed) return
    taken.current = pressed
    const { key } = pressed
    const place = Date.now() - goneAt.current < patience && places.find(one => one.key === key)
    goneAt.current = key === 'g' ? Date.now() : 0
    if (place) router.history.push(`/console${place.to}`)
    else if (key === 'palette') open(one => (one === 'palette' ? undefined : 'palette'))
    else if (key === '?') open('help')
    else if (key === '/') document.querySelector<HTMLElement>(search)?.focus()
    else document.querySelector<HTMLElement>(buttonOf(key))?.click()
  }, [pressed, places, router])
  const close = () => open(undefined)
  return (
    <>
      <Palette isOpen={opened === 'palette'} onClose={close} onHelp={() => open('help')} />
      <Help isOpen={opened === 'help'} onClose={close} />
    </>
  )
}
