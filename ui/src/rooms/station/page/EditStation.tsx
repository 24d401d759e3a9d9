import { Button, Checkbox, Group, Modal, Select, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, patch, stationPath, STATIONS, useChange, useMay, type Station } from '../../../api'
import { IconEdit, ProblemAlert } from '../../../design'
import { SiteSelect } from '../../location'

export function EditStationButton({ station }: { station: Station }) {
  const { t } = useTranslation()
  const [open, { open: show, close }] = useDisclosure()
  if (!useMay('station.write')) return null
  return (
    <>
      <Button variant="default" leftSection={<IconEdit size={16} aria-hidden />} onClick={show}>
        {t('design.edit')}
      </Button>
      {open && <EditDialog station={station} onClose={close} />}
    </>
  )
}

function EditDialog({ station, onClose }: { station: Station; onClose: () => void }) {
  const { t } = useTranslation()
  const [site, setSite] = useState<string | null>(station.site ?? null)
  const [profile, setProfile] = useState(String(station.security_profile))
  const [active, setActive] = useState(station.active)
  const save = useChange((body: object) => patch<Station>(stationPath(station.id), body), [STATIONS])
  const errors = save.problem ? fieldErrors(save.problem) : {}
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    const body: Record<string, unknown> = {}
    if ((site ?? '') !== (station.site ?? '')) body.site = site ?? ''
    if (Number(profile) !== station.security_profile) body.security_profile = Number(profile)
    if (active !== station.active) body.active = active
    if (Object.keys(body).length === 0) return onClose()
    await save.run(body).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={t('station.edit.title', { id: station.id })}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <SiteSelect value={site} onChange={setSite} error={errors.site} clearable />
          <Select
            label={t('station.field.profile')}
            data={['0', '1', '2', '3'].map((v) => ({ value: v, label: t(`station.profile.${v}`) }))}
            value={profile}
            onChange={(v) => setProfile(v ?? '1')}
            allowDeselect={false}
            error={errors.security_profile}
          />
          <Checkbox
            label={t('station.add.active')}
            description={t('station.add.activeHint')}
            checked={active}
            onChange={(e) => setActive(e.currentTarget.checked)}
          />
          <ProblemAlert problem={save.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={save.busy}>
              {t('design.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
