// Introduces the rooms of the console to each other.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { ConfigProvider, theme } from 'antd'
import { lazy, type ReactNode, StrictMode, Suspense, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { openChanges } from './kinds/changes.ts'
import { ChangesProvider } from './kinds/live.tsx'
import { nonce } from './nonce.ts'
import { Messages } from './parts/messages-place.tsx'
import { currentPreferences, preferPlace, useIsDark, usePreferences } from './preferences.ts'
import { router } from './router.tsx'
import { SessionProvider, useStanding } from './session/context.tsx'
import { openSession } from './session/session.ts'
import { Loading } from './shell/states.tsx'
import { localeOf, speak, speakIn } from './words/index.ts'
import './console.css'

/** Some widgets add a style of their own without the nonce that the page's policy asks for. */
const create = document.createElement.bind(document)
document.createElement = (name: string, options?: ElementCreationOptions) => {
  const element = create(name, options)
  if (name === 'style') element.nonce = nonce
  return element
}

const queries = new QueryClient({
  defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false } },
})
const session = openSession(Date.now)
const changes = openChanges(session.exchange, Date.now)

// A form is heavy, and whoever is signed in needs none to see the first screen.
const SignInPage = lazy(async () => ({ default: (await import('./session/sign-in.tsx')).SignInPage }))
const SignInAgain = lazy(async () => ({ default: (await import('./session/sign-in.tsx')).SignInAgain }))

function Console() {
  const standing = useStanding()
  if (standing.type === 'starting') return <Loading />
  if (standing.type === 'out')
    return (
      <Suspense fallback={<Loading />}>
        <SignInPage />
      </Suspense>
    )
  return (
    <>
      <RouterProvider router={router} />
      {standing.type === 'ended' && (
        <Suspense>
          <SignInAgain />
        </Suspense>
      )}
    </>
  )
}

/** Words that stand in no widget look as those in them. */
function Frame({ children }: { readonly children: ReactNode }) {
  const { token } = theme.useToken()
  const { colorText: color, fontSize, lineHeight, fontFamily } = token
  return <div style={{ color, fontSize, lineHeight, fontFamily }}>{children}</div>
}

/** Whoever wants nothing to move (WCAG 2.3.3) has it so from the start. */
const motion = !matchMedia('(prefers-reduced-motion: reduce)').matches

const firstLocale = await localeOf(currentPreferences().language)

function Root() {
  const { language } = usePreferences()
  const isDark = useIsDark()
  const [locale, setLocale] = useState(firstLocale)
  useEffect(() => {
    void speakIn(language)
    let isCurrent = true
    const take = async () => {
      const next = await localeOf(language)
      if (isCurrent) setLocale(next)
    }
    void take()
    return () => {
      isCurrent = false
    }
  }, [language])
  useEffect(() => {
    document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
  }, [isDark])
  return (
    <ConfigProvider
      csp={{ nonce }}
      {...(locale && { locale })}
      theme={{
        algorithm: isDark ? theme.darkAlgorithm : theme.defaultAlgorithm,
        components: {
          // Words on a light button, in the dark.
          ...(isDark && { Button: { primaryColor: '#141414', dangerColor: '#141414' } }),
          // And where one is, among the screens.
          ...(isDark && { Menu: { itemSelectedColor: '#d3e3fd' } }),
          // Links are read in rows that are selected too.
          Table: {
            rowSelectedBg: isDark ? '#1b2a41' : '#eaf2fd',
            rowSelectedHoverBg: isDark ? '#22344f' : '#dde9fb',
          },
        },
        token: {
          colorPrimary: isDark ? '#8ab4f8' : '#0b57d0',
          // White on what is made of it by itself has a contrast of 4.3.
          ...(!isDark && { colorPrimaryHover: '#1a62d6' }),
          colorError: isDark ? '#ff9c9c' : '#c4161c',
          colorLink: isDark ? '#8ab4f8' : '#0b57d0',
          // Quiet words are read too: 4.5 to 1 and more.
          colorTextSecondary: isDark ? '#b3bac2' : '#4a525c',
          colorTextTertiary: isDark ? '#a3abb4' : '#57606a',
          colorTextDescription: isDark ? '#a3abb4' : '#57606a',
          colorTextPlaceholder: isDark ? '#969ea7' : '#646c75',
          fontFamily:
            'system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
          borderRadius: 6,
          motion,
        },
      }}
    >
      <Frame>
        <Console />
        <Messages />
      </Frame>
    </ConfigProvider>
  )
}

preferPlace(new URLSearchParams(location.search).get('in') ?? '')
await speak(currentPreferences().language)
const root = document.getElementById('root')
if (!root) throw new TypeError('The page has no #root.')
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <SessionProvider session={session}>
        <ChangesProvider changes={changes}>
          <Root />
        </ChangesProvider>
      </SessionProvider>
    </QueryClientProvider>
  </StrictMode>,
)
await session.resume()
