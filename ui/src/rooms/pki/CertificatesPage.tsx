import { Badge, Tabs } from '@mantine/core'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, type CertificateRequest } from '../../api'
import { Page, Panel } from '../../design'
import { Authorities } from './Authorities'
import { CertificateTable } from './CertificateTable'
import { RequestTable } from './RequestTable'
import { TrustRoots } from './TrustRoots'

const TABS = ['certificates', 'requests', 'roots', 'authorities'] as const

type Tab = (typeof TABS)[number]

export function CertificatesPage() {
  const { t } = useTranslation()
  const { tab } = useParams({ from: '/certificates/{-$tab}' })
  const navigate = useNavigate()
  const chosen: Tab = TABS.find((x) => x === tab) ?? 'certificates'
  const waiting = useList<CertificateRequest>('/certificate-requests', { status: 'waiting' }, { refetchInterval: 30_000 }).rows.length
  return (
    <Page title={t('pki.title')} subtitle={t('pki.hint')}>
      <Tabs
        value={chosen}
        onChange={(v) => void navigate({ to: '/certificates/{-$tab}', params: { tab: v === 'certificates' ? undefined : (v ?? undefined) } })}
      >
        <Tabs.List mb="md" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
          {TABS.map((x) => (
            <Tabs.Tab
              key={x}
              value={x}
              rightSection={
                x === 'requests' && waiting > 0 ? (
                  <Badge size="sm" circle>
                    {waiting}
                  </Badge>
                ) : undefined
              }
            >
              {t(`pki.${x}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={chosen}>
          {chosen === 'certificates' && (
            <Panel flush>
              <CertificateTable />
            </Panel>
          )}
          {chosen === 'requests' && (
            <Panel flush>
              <RequestTable />
            </Panel>
          )}
          {chosen === 'roots' && <TrustRoots />}
          {chosen === 'authorities' && <Authorities />}
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
