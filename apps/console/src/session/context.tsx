// The session, for every screen.
import { createContext, type ReactNode, use, useSyncExternalStore } from 'react'
import type { Exchange } from '../api/exchange.ts'
import type { Session, Standing } from './session.ts'

const context = createContext<Session | undefined>(undefined)

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return <context.Provider value={session}>{children}</context.Provider>
}

export function useSession(): Session {
  const session = use(context)
  if (!session) throw new TypeError('There is no session around this.')
  return session
}

export const useExchange = (): Exchange => useSession().exchange

export function useStanding(): Standing {
  const session = useSession()
  return useSyncExternalStore(session.subscribe, () => session.standing)
}
