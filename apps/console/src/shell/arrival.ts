// Who arrives at a screen is told where they are: the title of the page is that of the screen, and the focus is there.
import { useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'

export function useArrival(): void {
  const path = useRouterState({ select: state => state.location.pathname })
  const first = useRef(path)
  useEffect(() => {
    let isNew = first.current !== path
    first.current = ''
    const look = () => {
      const title = document.querySelector<HTMLElement>('#content h1')
      if (!title) return
      // What stands behind a name there (its phase, a button) is not its name.
      document.title = `${title.firstChild?.textContent ?? ''} · Switchyard`
      if (!isNew) return
      isNew = false
      title.tabIndex = -1
      if (!document.activeElement?.closest('[role=dialog]')) title.focus({ preventScroll: true })
    }
    look()
    const observer = new MutationObserver(look)
    const content = document.querySelector('#content')
    if (content) observer.observe(content, { childList: true, subtree: true })
    return () => observer.disconnect()
  }, [path])
}
