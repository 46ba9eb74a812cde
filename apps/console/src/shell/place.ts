// The project that is looked at stands in every address, so that a link to a screen shows the same.
import { useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { placeOf, preferPlace, usePreferences } from '../preferences.ts'

export function usePlaceInAddress(): void {
  const navigate = useNavigate()
  const here = placeOf(usePreferences())
  const there = useRouterState({ select: ({ location }) => location.search.in })
  const last = useRef(here)
  useEffect(() => {
    const hasChosen = last.current !== here
    last.current = here
    if (there === here) return
    // Back at an earlier address, or chosen here.
    if (there !== undefined && !hasChosen) preferPlace(there)
    else void navigate({ to: '.', search: true, replace: true })
  }, [here, there, navigate])
}
