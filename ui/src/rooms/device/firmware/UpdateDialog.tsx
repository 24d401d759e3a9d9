import { Button, Checkbox, Group, Modal, MultiSelect, NumberInput, Select, Stack, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useFleet, useList, useMay, type FirmwareImage, type FirmwarePolicy, type FirmwareUpdate } from '../../../api'
import { IconUpload, InstantInput, ProblemAlert, TextButton } from '../../../design'
import css from '../device.module.css'
import { fits } from './fits'

interface ButtonProps {
  /** Only this station. */
  station?: string
}

export function NewUpdateButton({ station }: ButtonProps) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  if (!useMay('firmware.write')) return null
  return (
    <>
      <Button size={station ? 'xs' : undefined} leftSection={<IconUpload size={16} aria-hidden />} onClick={() => setOpen(true)} data-testid="update-add">
        {t('device.firmware.addUpdate')}
      </Button>
      {open && <UpdateDialog station={station} onClose={() => setOpen(false)} />}
    </>
  )
}

function UpdateDialog({ station, onClose }: ButtonProps & { onClose: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { rows: images } = useList<FirmwareImage>('/firmware-images', { sort: '-created_at' }, { limit: 500 })
  const [imageId, setImage] = useState<string | null>(null)
  const [stations, setStations] = useState<string[]>(station ? [station] : [])
  const [policy, setPolicy] = useState<FirmwarePolicy>({ when_charging: 'wait' })
  const create = useChange((body: unknown) => post<FirmwareUpdate>('/firmware-updates', body), ['/firmware-updates', '/firmware-tasks', '/charging-stations'])
  const image = images.find((x) => x.id === imageId)
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    const made = await create.run({ image: imageId, stations, policy: pruned(policy) }).catch(() => undefined)
    if (!made) return
    onClose()
    void navigate({ to: '/firmware-updates/$updateId', params: { updateId: made.id } })
  }
  return (
    <Modal opened onClose={onClose} size="xl" title={t('device.firmware.addUpdate')}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <Select
            label={t('device.firmware.image')}
            data={images.filter((x) => x.ready).map((x) => ({ value: x.id, label: [x.version, x.vendor, x.model].filter(Boolean).join(' · ') }))}
            value={imageId}
            onChange={setImage}
            searchable
            required
            nothingFoundMessage={t('device.firmware.noImages')}
            data-testid="update-image"
          />
          <Stations image={image} value={stations} onChange={setStations} />
          <PolicyFields value={policy} onChange={setPolicy} />
          <ProblemAlert problem={create.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={create.busy} disabled={!imageId || stations.length === 0} data-testid="update-save">
              {t('device.firmware.start', { total: stations.length })}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

const pruned = (p: FirmwarePolicy) => Object.fromEntries(Object.entries(p).filter(([, v]) => v !== '' && v !== undefined && v !== false && v !== 0))

interface StationsProps {
  image: FirmwareImage | undefined
  value: string[]
  onChange: (ids: string[]) => void
}

function Stations({ image, value, onChange }: StationsProps) {
  const { t } = useTranslation()
  const { rows } = useFleet()
  const fleet = rows ?? []
  const matching = image ? fleet.filter((s) => fits(image, s)) : []
  return (
    <div>
      <MultiSelect
        label={t('device.firmware.stations')}
        description={t('device.firmware.canaryHint')}
        data={fleet.map((s) => ({ value: s.id, label: [s.id, s.vendor, s.model, s.firmware_version].filter(Boolean).join(' · ') }))}
        value={value}
        onChange={onChange}
        searchable
        clearable
        limit={100}
        required
        data-testid="update-stations"
      />
      {matching.length > 0 && (
        <div className={css.dim}>
          <TextButton onClick={() => onChange([...new Set([...value, ...matching.map((s) => s.id)])])}>{t('device.firmware.allMatching', { total: matching.length })}</TextButton>
        </div>
      )}
    </div>
  )
}

const CHARGING = ['wait', 'skip', 'force'] as const

function PolicyFields({ value: p, onChange }: { value: FirmwarePolicy; onChange: (p: FirmwarePolicy) => void }) {
  const { t } = useTranslation()
  const [more, setMore] = useState(false)
  const set = (change: Partial<FirmwarePolicy>) => onChange({ ...p, ...change })
  const number = (name: 'parallel' | 'canary_percent' | 'stop_percent' | 'retries' | 'retry_interval', max: number) => (
    <NumberInput label={t(`device.firmware.policy.${name}`)} value={p[name] ?? ''} onChange={(v) => set({ [name]: Number(v) || undefined })} min={0} max={max} />
  )
  const check = (name: 'only_signed' | 'reinstall' | 'login') => (
    <Checkbox label={t(`device.firmware.policy.${name}`)} checked={p[name] ?? false} onChange={(e) => set({ [name]: e.currentTarget.checked })} />
  )
  return (
    <>
      <div className={css.fields}>
        <Select
          label={t('device.firmware.policy.when_charging')}
          data={CHARGING.map((c) => ({ value: c, label: t(`device.firmware.charging.${c}`) }))}
          value={p.when_charging ?? 'wait'}
          onChange={(v) => set({ when_charging: (v ?? 'wait') as FirmwarePolicy['when_charging'] })}
          allowDeselect={false}
        />
        {number('canary_percent', 100)}
        {number('stop_percent', 100)}
        {number('parallel', 1000)}
      </div>
      {more ? (
        <>
          <div className={css.fields}>
            <InstantInput label={t('device.firmware.policy.not_before')} value={p.not_before} onChange={(not_before) => set({ not_before })} />
            <InstantInput label={t('device.firmware.policy.not_after')} value={p.not_after} onChange={(not_after) => set({ not_after })} />
            <InstantInput label={t('device.firmware.policy.install_at')} value={p.install_at} onChange={(install_at) => set({ install_at })} />
            <TextInput type="time" label={t('device.firmware.policy.from')} value={p.from ?? ''} onChange={(e) => set({ from: e.currentTarget.value })} />
            <TextInput type="time" label={t('device.firmware.policy.to')} value={p.to ?? ''} onChange={(e) => set({ to: e.currentTarget.value })} />
            {number('retries', 10)}
            {number('retry_interval', 86400)}
          </div>
          {check('only_signed')}
          {check('reinstall')}
          {check('login')}
        </>
      ) : (
        <div className={css.dim}>
          <TextButton onClick={() => setMore(true)}>{t('device.firmware.morePolicy')}</TextButton>
        </div>
      )}
    </>
  )
}
