import { Button, Group, Modal, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, post, stationPath, useChange } from '../../api'
import { ProblemAlert } from '../../design'
import { SiteSelect } from '../location'
import { PemInput } from './PemInput'

export const PURPOSES = ['CSMSRootCertificate', 'ManufacturerRootCertificate', 'V2GRootCertificate', 'MORootCertificate', 'OEMRootCertificate', 'StationRoot'] as const

type Holds = 'all' | 'site' | 'station'

interface Props {
  onClose: () => void
  /** Installs on this station now, instead of keeping a root for stations. */
  station?: string
}

/** A root for many stations from now on, or for one station right now. */
export function RootDialog({ onClose, station }: Props) {
  const { t } = useTranslation()
  const [purpose, setPurpose] = useState<string>('CSMSRootCertificate')
  const [holds, setHolds] = useState<Holds>('all')
  const [site, setSite] = useState<string | null>(null)
  const [one, setOne] = useState('')
  const [certificate, setCertificate] = useState('')
  const save = useChange(
    (body: object) => post(station === undefined ? '/trust-roots' : `${stationPath(station)}/installed-certificates`, body),
    ['/trust-roots', '/charging-stations'],
  )
  const errors = save.problem ? fieldErrors(save.problem) : {}
  const submit = (e: FormEvent) => {
    e.preventDefault()
    const body: Record<string, unknown> = { purpose, certificate }
    if (holds === 'site' && site) body.site = site
    if (holds === 'station' && one.trim()) body.station = one.trim()
    save.run(body).then(onClose, () => undefined)
  }
  const offered = PURPOSES.filter((p) => station === undefined || p !== 'StationRoot')
  return (
    <Modal opened onClose={onClose} title={station === undefined ? t('pki.addRoot') : t('pki.installOn', { station })} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Select
            label={t('pki.field.purpose')}
            description={purpose === 'StationRoot' ? t('pki.stationRootHint') : undefined}
            data={offered.map((value) => ({ value, label: t(`pki.purpose.${value}`) }))}
            value={purpose}
            onChange={(v) => setPurpose(v ?? 'CSMSRootCertificate')}
            allowDeselect={false}
            error={errors.purpose}
          />
          {station === undefined && (
            <div>
              <Text size="sm" fw={500} mb={4}>
                {t('pki.field.holds')}
              </Text>
              <SegmentedControl
                fullWidth
                value={holds}
                onChange={(v) => setHolds(v as Holds)}
                data={(['all', 'site', 'station'] as const).map((value) => ({ value, label: t(`pki.holds.${value}`) }))}
              />
            </div>
          )}
          {holds === 'site' && <SiteSelect value={site} onChange={setSite} error={errors.site} />}
          {holds === 'station' && (
            <TextInput label={t('station.field.id')} value={one} onChange={(e) => setOne(e.currentTarget.value)} error={errors.station} required />
          )}
          <PemInput value={certificate} onChange={setCertificate} error={errors.certificate} />
          <ProblemAlert problem={save.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={save.busy} disabled={holds === 'site' && !site} data-testid="root-save">
              {station === undefined ? t('pki.addRoot') : t('pki.install')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
