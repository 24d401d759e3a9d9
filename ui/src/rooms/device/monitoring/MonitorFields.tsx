import { Checkbox, NumberInput, Select, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { MonitorItem } from '../../../api'
import { MONITOR_TYPES } from './monitor'
import { useSeverities } from './severity'

interface Props {
  value: MonitorItem
  onChange: (m: MonitorItem) => void
  readOnly?: boolean
}

/** What is watched, when it is told, and how grave it is. */
export function MonitorFields({ value: m, onChange, readOnly }: Props) {
  const { t } = useTranslation()
  const severities = useSeverities()
  const set = (change: Partial<MonitorItem>) => onChange({ ...m, ...change })
  return (
    <>
      <TextInput label={t('device.field.component')} value={m.component} onChange={(e) => set({ component: e.currentTarget.value })} required readOnly={readOnly} />
      <TextInput label={t('device.field.name')} value={m.variable} onChange={(e) => set({ variable: e.currentTarget.value })} required readOnly={readOnly} />
      <NumberInput label={t('device.field.evse')} value={m.evse ?? ''} onChange={(v) => set({ evse: Number(v) || undefined })} min={0} readOnly={readOnly} />
      <NumberInput label={t('device.field.connector')} value={m.connector ?? ''} onChange={(v) => set({ connector: Number(v) || undefined })} min={0} readOnly={readOnly} />
      <Select label={t('device.monitor.type')} data={[...MONITOR_TYPES]} value={m.type} onChange={(v) => v && set({ type: v as MonitorItem['type'] })} allowDeselect={false} readOnly={readOnly} />
      <NumberInput label={t('device.monitor.value')} value={m.value} onChange={(v) => set({ value: Number(v) || 0 })} readOnly={readOnly} />
      <Select label={t('device.monitor.severity')} data={severities} value={String(m.severity)} onChange={(v) => set({ severity: Number(v) })} allowDeselect={false} readOnly={readOnly} />
      <Checkbox label={t('device.monitor.inTransaction')} checked={m.in_transaction ?? false} onChange={(e) => set({ in_transaction: e.currentTarget.checked })} disabled={readOnly} mt={30} />
    </>
  )
}
