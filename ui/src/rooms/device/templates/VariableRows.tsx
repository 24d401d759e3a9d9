import { Button, NumberInput, Select, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { VariableItem } from '../../../api'
import { IconPlus, TextButton } from '../../../design'
import css from '../device.module.css'
import { Row } from './Row'
import { changed } from './template'

interface Props {
  rows: VariableItem[]
  onChange: (rows: VariableItem[]) => void
  readOnly: boolean
}

const EVERY = ['evse', 'connector'] as const
const ATTRIBUTES = ['Actual', 'Target', 'MinSet', 'MaxSet']

/** The variables of a template, one a row. Those of 1.6 are named by component and variable too, or by their key. */
export function VariableRows({ rows, onChange, readOnly }: Props) {
  const { t } = useTranslation()
  const set = (i: number, row: VariableItem | undefined) => onChange(changed(rows, i, row))
  return (
    <>
      {rows.length === 0 && <p className={css.dim}>{t('device.template.noVariables')}</p>}
      {rows.map((r, i) => (
        <Row key={i} remove={readOnly ? undefined : () => set(i, undefined)} label={t('device.template.removeRow', { number: i + 1 })}>
          {r.key !== undefined ? (
            <>
              <TextInput label={t('device.field.key')} value={r.key} onChange={(e) => set(i, { ...r, key: e.currentTarget.value })} readOnly={readOnly} />
              <TextInput label={t('device.field.value')} value={r.value} onChange={(e) => set(i, { ...r, value: e.currentTarget.value })} readOnly={readOnly} />
            </>
          ) : (
            <Named row={r} set={(x) => set(i, x)} readOnly={readOnly} />
          )}
        </Row>
      ))}
      {!readOnly && (
        <Button.Group mt={8}>
          <Button variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...rows, { component: '', variable: '', value: '' }])} data-testid="template-add-variable">
            {t('device.template.addVariable')}
          </Button>
          <Button variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...rows, { key: '', value: '' }])}>
            {t('device.template.addKey')}
          </Button>
        </Button.Group>
      )}
    </>
  )
}

/** Component and variable; the rest of the name only where it says something, or when asked for. */
function Named({ row: r, set, readOnly }: { row: VariableItem; set: (r: VariableItem) => void; readOnly: boolean }) {
  const { t } = useTranslation()
  const [more, setMore] = useState(false)
  const text = (name: 'component' | 'component_instance' | 'variable' | 'variable_instance', label: string) => (
    <TextInput label={label} value={r[name] ?? ''} onChange={(e) => set({ ...r, [name]: e.currentTarget.value })} readOnly={readOnly} />
  )
  return (
    <>
      {text('component', t('device.field.component'))}
      {text('variable', t('device.field.name'))}
      <TextInput label={t('device.field.value')} value={r.value} onChange={(e) => set({ ...r, value: e.currentTarget.value })} readOnly={readOnly} />
      {(more || r.evse) && <NumberInput label={t('device.field.evse')} value={r.evse ?? ''} onChange={(v) => set({ ...r, evse: Number(v) || undefined, every: undefined })} min={0} readOnly={readOnly} />}
      {(more || r.every) && (
        <Select
          label={t('device.field.every')}
          description={t('device.template.everyHelp')}
          data={EVERY.map((value) => ({ value, label: t(`device.template.every.${value}`) }))}
          value={r.every ?? null}
          onChange={(v) => set({ ...r, every: (v ?? undefined) as VariableItem['every'], evse: undefined, connector: undefined })}
          clearable
          readOnly={readOnly}
          data-testid="template-every"
        />
      )}
      {(more || (r.attribute && r.attribute !== 'Actual')) && (
        <Select label={t('device.field.attribute')} data={ATTRIBUTES} value={r.attribute ?? 'Actual'} onChange={(v) => set({ ...r, attribute: (v ?? undefined) as VariableItem['attribute'] })} allowDeselect={false} readOnly={readOnly} />
      )}
      {(more || r.component_instance) && text('component_instance', t('device.field.componentInstance'))}
      {(more || r.variable_instance) && text('variable_instance', t('device.field.instance'))}
      {!more && !readOnly && (
        <div style={{ alignSelf: 'end', fontSize: 13.5, paddingBottom: 8 }}>
          <TextButton onClick={() => setMore(true)}>{t('device.template.narrow')}</TextButton>
        </div>
      )}
    </>
  )
}
