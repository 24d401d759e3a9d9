import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TONES } from './Tone'

// WCAG 2.2 §1.4.3: 4.5 to 1 for text, §1.4.11: 3 to 1 for what carries meaning.

const css = readFileSync(join(import.meta.dirname, 'base.css'), 'utf8')
const light = variables(/:root \{([^}]*)\}/)
const dark = { ...light, ...variables(/:root\[data-mantine-color-scheme='dark'\] \{([^}]*--page[^}]*)\}/) }

function variables(block: RegExp): Record<string, string> {
  const body = block.exec(css)?.[1] ?? ''
  return Object.fromEntries([...body.matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]]))
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const v = parseInt(hex.slice(i, i + 2), 16) / 255
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string | undefined, b: string | undefined): number {
  if (!a || !b) throw new Error(`a colour is missing: ${a} on ${b}`)
  const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m) as [number, number]
  return (x + 0.05) / (y + 0.05)
}

describe.each([
  ['light', light],
  ['dark', dark],
])('%s', (_, c) => {
  it.each([
    ['--ink', '--card'],
    ['--ink', '--page'],
    ['--ink-2', '--card'],
    ['--ink-2', '--page'],
    ['--ink-2', '--hover'],
    ['--ink-3', '--card'],
    ['--rail-ink', '--rail'],
    ...TONES.map((t) => [`--tone-${t}-ink`, `--tone-${t}-bg`]),
  ])('%s can be read on %s', (ink, ground) => {
    expect(contrast(c[ink ?? ''], c[ground ?? ''])).toBeGreaterThanOrEqual(4.5)
  })

  it.each(TONES)('the dot of "%s" stands out from a card', (tone) => {
    expect(contrast(c[`--tone-${tone}`], c['--card'])).toBeGreaterThanOrEqual(3)
  })
})
