import { Tabs } from '@mantine/core'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../api'
import { Page } from '../../design'
import { ApiKeys } from './ApiKeys'
import { Users } from './Users'

export function SettingsPage() {
  const { t } = useTranslation()
  const { tab } = useParams({ from: '/settings/{-$tab}' })
  const navigate = useNavigate()
  const mayKeys = useMay('apikey.read')
  const chosen = tab === 'api-keys' && mayKeys ? 'api-keys' : 'users'
  return (
    <Page title={t('identity.settings')}>
      <Tabs value={chosen} onChange={(v) => void navigate({ to: '/settings/{-$tab}', params: { tab: v === 'users' ? undefined : (v ?? undefined) } })}>
        <Tabs.List mb="md">
          <Tabs.Tab value="users">{t('identity.users')}</Tabs.Tab>
          {mayKeys && <Tabs.Tab value="api-keys">{t('identity.apiKeys')}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value={chosen}>{chosen === 'users' ? <Users /> : <ApiKeys />}</Tabs.Panel>
      </Tabs>
    </Page>
  )
}
