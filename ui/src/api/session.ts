import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { endRequests, get, patch, post, setCsrfToken, whenUnauthenticated } from './client'
import { asProblem, Problem } from './problem'
import type { ConsoleConfig, Me } from './types'

// Who is signed in to the console (a charging session is rooms/session).

const ME = ['me']

/** The signed-in user; null when nobody is. */
export function useMe() {
  const q = useQuery({
    queryKey: ME,
    queryFn: async ({ signal }): Promise<Me | null> => {
      try {
        const me = await get<Me>('/me', undefined, signal)
        setCsrfToken(me.csrf_token)
        return me
      } catch (e) {
        if (e instanceof Problem && e.status === 401) return null
        throw e
      }
    },
    staleTime: 5 * 60_000,
    retry: (n, e) => n < 2 && asProblem(e).unreachable,
  })
  return { me: q.data, loading: q.isPending, problem: q.error ? asProblem(q.error) : undefined, retry: () => void q.refetch() }
}

/** True when the signed-in user holds the permission. Only for what to show: the server decides. */
export function useMay(permission: string): boolean {
  return useMe().me?.permissions.includes(permission) ?? false
}

export function useSignIn() {
  const client = useQueryClient()
  return async (email: string, password: string) => {
    const me = await post<Me>('/sign-in', { email, password })
    setCsrfToken(me.csrf_token)
    forgetAllBut(client, me)
  }
}

export function useSignOut() {
  const client = useQueryClient()
  return async () => {
    void client.cancelQueries()
    endRequests() // The page goes on polling until it is gone.
    await post('/sign-out').catch(() => undefined)
    forgetAllBut(client, null)
  }
}

/** Changes something about the signed-in user, then reads everything again: another organisation sees other things. */
export function useChangeMe() {
  const client = useQueryClient()
  return async (change: { language?: string; organisation?: string }) => {
    await patch('/me', change)
    if (change.organisation) await client.resetQueries()
  }
}

/** The role held in the active organisation, or above it. */
export const roleOf = (me: Me): string | undefined =>
  (me.grants.find((g) => g.organisation === me.organisation.id) ?? me.grants[0])?.role

/** What the server tells the console before anybody signs in. */
export function useConsoleConfig(): ConsoleConfig | undefined {
  return useQuery({ queryKey: ['ui-config'], queryFn: ({ signal }) => get<ConsoleConfig>('/ui-config', undefined, signal), staleTime: Infinity }).data
}

/** Drops what the last user could see. */
function forgetAllBut(client: QueryClient, me: Me | null) {
  client.removeQueries({ predicate: (q) => q.queryKey[0] !== ME[0] })
  client.setQueryData(ME, me)
}

/** Shows the sign-in page as soon as any request finds the session ended. */
export function forgetWhenSignedOut(client: QueryClient) {
  whenUnauthenticated(() => client.setQueryData(ME, null))
}
