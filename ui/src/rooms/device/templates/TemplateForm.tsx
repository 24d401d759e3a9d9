import { MultiSelect, NumberInput, Switch, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { DeviceTemplate } from '../../../api'
import { Grid, Panel } from '../../../design'
import { SiteSelect } from '../../location'
import css from '../device.module.css'
import { MonitorRows } from './MonitorRows'
import { VariableRows } from './VariableRows'

interface Props {
  draft: DeviceTemplate
  onChange: (d: DeviceTemplate) => void
  readOnly: boolean
}

const VERSIONS = ['1.6', '2.0.1', '2.1']

/** Which stations a template is for, and what they get. */
export function TemplateForm({ draft: d, onChange, readOnly }: Props) {
  const { t } = useTranslation()
  const set = (change: Partial<DeviceTemplate>) => onChange({ ...d, ...change })
  const text = (name: 'name' | 'vendor' | 'model' | 'firmware', label: string, required = false) => (
    <TextInput label={label} value={d[name] ?? ''} onChange={(e) => set({ [name]: e.currentTarget.value })} readOnly={readOnly} required={required} placeholder={required ? undefined : '*'} />
  )
  return (
    <Grid>
      <Panel title={t('device.template.for')}>
        <div className={css.fields}>
          {text('name', t('device.template.name'), true)}
          {text('vendor', t('station.field.vendor'))}
          {text('model', t('station.field.model'))}
          {text('firmware', t('station.field.firmware'))}
          <MultiSelect label={t('device.template.versions')} data={VERSIONS} value={d.versions ?? []} onChange={(versions) => set({ versions })} readOnly={readOnly} placeholder={(d.versions ?? []).length ? undefined : '*'} />
          <SiteSelect clearable value={d.site ?? null} onChange={(site) => set({ site: site ?? undefined })} />
          <NumberInput label={t('device.template.priority')} description={t('device.template.priorityHint')} value={d.priority ?? 0} onChange={(p) => set({ priority: Number(p) || 0 })} min={-1000} max={1000} readOnly={readOnly} />
          <Switch label={t('device.template.enabled')} description={t('device.template.enabledHint')} checked={d.enabled} onChange={(e) => set({ enabled: e.currentTarget.checked })} disabled={readOnly} mt={24} />
        </div>
        <p className={css.dim}>{t('device.template.patterns')}</p>
        <Textarea label={t('device.template.notes')} value={d.notes ?? ''} onChange={(e) => set({ notes: e.currentTarget.value })} autosize minRows={1} maxRows={6} readOnly={readOnly} />
      </Panel>
      <Panel title={t('device.part.variables')}>
        <VariableRows rows={d.variables ?? []} onChange={(variables) => set({ variables })} readOnly={readOnly} />
      </Panel>
      <Panel title={t('device.monitor.title')}>
        <MonitorRows rows={d.monitors ?? []} onChange={(monitors) => set({ monitors })} readOnly={readOnly} />
      </Panel>
    </Grid>
  )
}
