import { ActionIcon, Menu, useMantineColorScheme, type MantineColorScheme } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useChangeMe, useMe } from '../api'
import { IconCheck, IconDeviceDesktop, IconLanguage, IconMoon, IconSun } from '../design'
import { chooseLanguage, LANGUAGE_NAMES, LANGUAGES, type Language } from './i18n'

const SCHEMES: [MantineColorScheme, typeof IconSun][] = [
  ['light', IconSun],
  ['dark', IconMoon],
  ['auto', IconDeviceDesktop],
]

export function LanguageSelect() {
  const { t, i18n } = useTranslation()
  const signedIn = Boolean(useMe().me)
  const change = useChangeMe()
  const choose = async (language: Language) => {
    await chooseLanguage(language)
    if (signedIn) await change({ language }).catch(() => undefined) // kept in this browser all the same
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={t('shell.language')} title={t('shell.language')} data-testid="language">
          <IconLanguage size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {LANGUAGES.map((l) => (
          <Menu.Item key={l} lang={l} onClick={() => void choose(l)} rightSection={i18n.language === l && <IconCheck size={16} aria-hidden />}>
            {LANGUAGE_NAMES[l]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

export function SchemeSwitch() {
  const { t } = useTranslation()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const Current = SCHEMES.find(([s]) => s === colorScheme)?.[1] ?? IconDeviceDesktop
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={t('shell.scheme.label')} title={t('shell.scheme.label')} data-testid="scheme">
          <Current size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map(([s, Icon]) => (
          <Menu.Item
            key={s}
            leftSection={<Icon size={16} aria-hidden />}
            rightSection={colorScheme === s && <IconCheck size={16} aria-hidden />}
            onClick={() => setColorScheme(s)}
          >
            {t(`shell.scheme.${s}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
