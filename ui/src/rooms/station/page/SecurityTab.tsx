import { Button, Menu } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { post, stationPath, useChange, useMay, type Station } from '../../../api'
import { Grid, IconChevronDown, Panel, ProblemAlert } from '../../../design'
import { SecurityEvents, SecurityProfile } from '../../device'
import { CertificateTable, Installed, RequestTable } from '../../pki'
import { NeedsCredentials } from './NeedsCredentials'

const TYPES = ['ChargingStationCertificate', 'V2GCertificate', 'V2G20Certificate'] as const

/** How the station signs in and what it trusts. */
export function SecurityTab({ station, zone }: { station: Station; zone?: string }) {
  const { t } = useTranslation()
  const mayCertificates = useMay('certificate.read')
  return (
    <Grid>
      <NeedsCredentials station={station} />
      <SecurityProfile station={station.id} protocol={station.protocol} />
      {mayCertificates && (
        <>
          <Panel title={t('pki.ofStation')} flush actions={<AskForRequest station={station} />}>
            <CertificateTable station={station.id} />
          </Panel>
          <Panel title={t('pki.requests')} flush>
            <RequestTable station={station.id} />
          </Panel>
          <Installed station={station.id} online={station.online} />
        </>
      )}
      <SecurityEvents station={station.id} zone={zone} />
    </Grid>
  )
}

/** Has the station send a certificate request now. */
function AskForRequest({ station }: { station: Station }) {
  const { t } = useTranslation()
  const may = useMay('certificate.write')
  const ask = useChange((type: string) => post(`${stationPath(station.id)}/certificate-request`, { type }), ['/certificate'])
  if (!may) return null
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="xs" variant="default" disabled={!station.online} loading={ask.busy} rightSection={<IconChevronDown size={14} aria-hidden />}>
            {t('pki.askForRequest')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {TYPES.map((type) => (
            <Menu.Item key={type} onClick={() => void ask.run(type).catch(() => undefined)}>
              {t(`pki.type.${type}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <ProblemAlert problem={ask.problem} />
    </>
  )
}
