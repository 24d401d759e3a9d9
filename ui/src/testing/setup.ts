import { cleanup, configure } from '@testing-library/react'
import { afterEach, vi } from 'vitest'

// A machine that builds and tests at once may take long to draw; a second is no promise of ours.
configure({ asyncUtilTimeout: 10_000 })

// What Mantine and the tables ask of a browser and jsdom does not have.
Object.defineProperty(window, 'matchMedia', {
  writable: true,
  value: (query: string) => ({
    matches: false,
    media: query,
    onchange: null,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
    dispatchEvent: () => false,
  }),
})
window.scrollTo = () => undefined
globalThis.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
}
Element.prototype.scrollIntoView = () => undefined

// A busy machine takes its time; what appears is waited for no longer than it takes.
configure({ asyncUtilTimeout: 10_000 })

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})
