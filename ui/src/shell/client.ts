import { QueryClient } from '@tanstack/react-query'
import i18next from 'i18next'
import { asProblem, forgetWhenSignedOut } from '../api'

export function makeQueryClient(): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What the server refused it will refuse again; only a lost answer is worth another try.
        retry: (n, e) => n < 2 && (asProblem(e).unreachable || asProblem(e).status === 503),
      },
      mutations: { retry: false },
    },
  })
  forgetWhenSignedOut(client)
  // What the server words itself was worded in the language before. A first
  // answer that is still on its way would be kept, so it is asked for anew.
  i18next.on('languageChanged', () => void client.cancelQueries().then(() => client.invalidateQueries()))
  return client
}
