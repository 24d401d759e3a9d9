import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { setLanguage } from '../../api'
import en from './en.json'

export const LANGUAGES = ['en', 'fr', 'de'] as const
export type Language = (typeof LANGUAGES)[number]

/** Each language in its own words. */
export const LANGUAGE_NAMES: Record<Language, string> = { en: 'English', fr: 'Français', de: 'Deutsch' }

const KEY = 'forecourt.language'

// English is in the main file as the fallback; the others load when chosen.
const catalogues: Record<Exclude<Language, 'en'>, () => Promise<{ default: object }>> = {
  fr: () => import('./fr.json'),
  de: () => import('./de.json'),
}

export async function startI18n() {
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en } },
    lng: 'en',
    fallbackLng: 'en',
    interpolation: { escapeValue: false }, // React escapes
  })
  await show(chosenLanguage() ?? pick(navigator.languages))
}

/** The user's own choice in this browser, if there is one. */
export function chosenLanguage(): Language | undefined {
  try {
    return asLanguage(localStorage.getItem(KEY) ?? '')
  } catch {
    return undefined
  }
}

export async function chooseLanguage(l: Language) {
  try {
    localStorage.setItem(KEY, l)
  } catch {
    // No storage: the choice lasts as long as the page.
  }
  await show(l)
}

/** Takes up the language of the account, unless this browser has a choice of its own. */
export async function suggestLanguage(l: string | undefined) {
  const language = asLanguage(l ?? '')
  if (language && !chosenLanguage()) await show(language)
}

async function show(l: Language) {
  if (l !== 'en' && !i18next.hasResourceBundle(l, 'translation')) {
    i18next.addResourceBundle(l, 'translation', (await catalogues[l]()).default)
  }
  setLanguage(l) // before the change is told: what the server words is then asked for anew
  await i18next.changeLanguage(l)
  document.documentElement.lang = l
}

export function pick(preferred: readonly string[]): Language {
  for (const p of preferred) {
    const l = asLanguage(p)
    if (l) return l
  }
  return 'en'
}

function asLanguage(tag: string): Language | undefined {
  return LANGUAGES.find((l) => tag.toLowerCase() === l || tag.toLowerCase().startsWith(`${l}-`))
}
