// Who arrives at a screen is told where they are: the title of the page is that of the screen, and the focus is there.
import { useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'

export function useArrival(): void {
  // Of the screen that stands, not of the one that is still loaded.
  const path = useRouterState({ select: state => state.resolvedLocation?.pathname })
  const wasThere = useRef(false)
  useEffect(() => {
    if (path === undefined) return
    let isNew = wasThere.current
    wasThere.current = true
    const look = () => {
      const heading = document.querySelector<HTMLElement>('#content h1')
      if (!heading) return
      // What stands behind a name there (its phase, a button) is not its name.
      const title = `${heading.firstChild?.textContent ?? ''} · Switchyard`
      if (document.title !== title) document.title = title
      if (!isNew) return
      isNew = false
      heading.tabIndex = -1
      if (!document.activeElement?.closest('[role=dialog]')) heading.focus({ preventScroll: true })
    }
    look()
    const observer = new MutationObserver(look)
    const content = document.querySelector<HTMLElement>('#content')
    if (content) {
      content.dataset.screen = path
      observer.observe(content, { childList: true, subtree: true })
    }
    return () => observer.disconnect()
  }, [path])
}
