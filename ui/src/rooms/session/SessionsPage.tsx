import { useTranslation } from 'react-i18next'
import { Page } from '../../design'
import { SessionTable } from './SessionTable'

export function SessionsPage() {
  const { t } = useTranslation()
  return (
    <Page title={t('session.list.title')}>
      <SessionTable />
    </Page>
  )
}
