import '@mantine/core/styles.css'
import './design/base.css'
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { theme } from './design'
import { makeQueryClient } from './shell/client'
import { startI18n } from './shell/i18n'
import { router } from './shell/router'

// The same key as public/scheme.js reads before the first paint.
const scheme = localStorageColorSchemeManager({ key: 'forecourt.scheme' })

async function start() {
  await startI18n()
  const root = document.getElementById('root')
  if (!root) throw new Error('index.html has no #root')
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={makeQueryClient()}>
        <MantineProvider theme={theme} colorSchemeManager={scheme} defaultColorScheme="auto">
          <RouterProvider router={router} />
        </MantineProvider>
      </QueryClientProvider>
    </StrictMode>,
  )
}

void start()
