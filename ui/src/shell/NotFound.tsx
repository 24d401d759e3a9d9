import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Empty, IconUnlink, Page } from '../design'

export function NotFound() {
  const { t } = useTranslation()
  return (
    <Page title={t('shell.notFound.title')}>
      <Empty
        icon={<IconUnlink size={22} aria-hidden />}
        title={t('shell.notFound.heading')}
        action={
          <Button component={Link} to="/">
            {t('shell.notFound.home')}
          </Button>
        }
      >
        {t('shell.notFound.hint')}
      </Empty>
    </Page>
  )
}
