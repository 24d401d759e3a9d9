import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// `npm run dev` serves the app and hands the API on to a running binary.
const api = process.env.FORECOURT_URL ?? 'http://localhost:8080'

export default defineConfig({
  plugins: [react()],
  // MapLibre's worker is an ES module.
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // The map library is one file of a megabyte, loaded only where a map is.
    chunkSizeWarningLimit: 1200,
    // The policy of the server allows no data: URL outside images.
    assetsInlineLimit: 0,
  },
  server: { proxy: { '/api': { target: api, changeOrigin: true } } },
  test: {
    // Rules are tested as they are, components (.tsx) in a document.
    projects: [
      { extends: true, test: { name: 'rules', environment: 'node', include: ['src/**/*.test.ts'] } },
      { extends: true, test: { name: 'components', environment: 'jsdom', include: ['src/**/*.test.tsx'], setupFiles: ['src/testing/setup.ts'], testTimeout: 30_000, expect: { poll: { timeout: 10_000 } } } },
    ],
  },
})
