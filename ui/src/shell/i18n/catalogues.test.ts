import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import de from './de.json'
import en from './en.json'
import fr from './fr.json'

type Tree = { [key: string]: string | Tree }

const SRC = join(import.meta.dirname, '../..')

function flat(tree: Tree, prefix = ''): Map<string, string> {
  const out = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') out.set(prefix + key, value)
    else for (const [k, v] of flat(value, `${prefix}${key}.`)) out.set(k, v)
  }
  return out
}

function sources(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) return sources(path)
    return /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name) ? [readFileSync(path, 'utf8')] : []
  })
}

const catalogues = { en: flat(en), fr: flat(fr), de: flat(de) }
const code = sources(SRC).join('\n')

/** Keys written out: t('a.b'). */
const literal = new Set([...code.matchAll(/\bt\(\s*'([^']+)'/g)].map((m) => m[1] ?? ''))

/** Keys put together: t(`a.${x}Hint`), as a pattern over whole keys. */
const composed = [...code.matchAll(/\bt\(\s*`([^`$]*)\$\{[^}]*\}([^`]*)`/g)].map(
  (m) => new RegExp(`^${(m[1] ?? '').replaceAll('.', '\\.')}[\\w-]+${(m[2] ?? '').includes('$') ? '' : m[2]}$`),
)

describe('catalogues', () => {
  it.each(['fr', 'de'] as const)('%s has the keys of en', (language) => {
    expect([...catalogues[language].keys()].sort()).toEqual([...catalogues.en.keys()].sort())
  })

  it.each(['fr', 'de'] as const)('%s fills in what en fills in', (language) => {
    const holes = (text: string | undefined) => [...(text ?? '').matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort()
    for (const [key, text] of catalogues.en) expect(holes(catalogues[language].get(key)), key).toEqual(holes(text))
  })

  it('has no empty text', () => {
    for (const [language, texts] of Object.entries(catalogues)) {
      for (const [key, text] of texts) expect(text.trim(), `${language} ${key}`).not.toBe('')
    }
  })

  it('has every key the code names', () => {
    expect([...literal].filter((key) => !catalogues.en.has(key) && !catalogues.en.has(`${key}_other`))).toEqual([])
  })

  it('has a key for every composed name', () => {
    const keys = [...catalogues.en.keys()]
    expect(composed.filter((p) => !keys.some((k) => p.test(k))).map(String)).toEqual([])
  })

  it('has no key that nothing uses', () => {
    const unused = [...catalogues.en.keys()].filter((key) => !literal.has(key.replace(/_(one|other)$/, '')) && !composed.some((p) => p.test(key)))
    expect(unused).toEqual([])
  })
})
