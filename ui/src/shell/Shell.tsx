import { AppShell, Burger } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Outlet, useLocation } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useStationUpdates, type Me } from '../api'
import { LiveBadge } from './LiveBadge'
import { Logo } from './Logo'
import { Nav } from './Nav'
import { OrganisationMenu } from './OrganisationMenu'
import { LanguageSelect, SchemeSwitch } from './Preferences'
import css from './shell.module.css'
import { UserMenu } from './UserMenu'

export function Shell({ me }: { me: Me }) {
  const { t } = useTranslation()
  const [open, { toggle, close }] = useDisclosure()
  const { pathname } = useLocation()
  useEffect(close, [pathname, close])
  useStationUpdates()
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !open } }}
      layout="alt"
      classNames={{ header: css.header, navbar: css.rail, main: css.main }}
    >
      <a href="#main" className={css.skip}>
        {t('shell.skip')}
      </a>
      <AppShell.Header>
        <div className={css.headerRow}>
          <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('shell.menu')} />
          <OrganisationMenu me={me} />
          <div className={css.headerEnd}>
            <LiveBadge />
            <LanguageSelect />
            <SchemeSwitch />
            <UserMenu me={me} />
          </div>
        </div>
      </AppShell.Header>
      <AppShell.Navbar>
        <div className={css.brand}>
          <Logo />
          <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" color="var(--rail-ink)" aria-label={t('shell.menu')} />
        </div>
        <Nav permissions={me.permissions} />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}
