import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { render } from '@testing-library/react'
import type { ReactNode } from 'react'
import { LocaleProvider, theme } from '../design'
import { startI18n } from '../shell/i18n'

/** Renders a component in English with a router and an empty cache. */
export async function show(node: ReactNode, at = '/') {
  await startI18n()
  const root = createRootRoute()
  const routes = ['/', '/stations/$stationId/{-$tab}', '/sessions/$sessionId'].map((path) =>
    createRoute({ getParentRoute: () => root, path, component: () => <>{node}</> }),
  )
  const router = createRouter({ routeTree: root.addChildren(routes), history: createMemoryHistory({ initialEntries: [at] }) })
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  await router.load()
  const shown = render(
    <QueryClientProvider client={client}>
      <MantineProvider theme={theme} env="test">
        <LocaleProvider language="en">
          <RouterProvider router={router as never} />
        </LocaleProvider>
      </MantineProvider>
    </QueryClientProvider>,
  )
  return { ...shown, client, router }
}
