import { Button, Checkbox, NumberInput, Popover, Select, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconFilter } from '../icons'
import { filterKey } from './state'
import type { FilterDef, FilterKind, ListState } from './types'

const OPS: Record<FilterKind, string[]> = {
  text: ['contains', 'eq'],
  enum: ['in'],
  bool: ['eq'],
  number: ['gte', 'lte'],
  time: ['gte', 'lt'],
}

/** Builds one condition and adds it to the list's; conditions are combined with "and". */
export function FilterMenu({ filters, state }: { filters: FilterDef[]; state: ListState }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus width={270}>
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<IconFilter size={16} aria-hidden />}
          onClick={() => setOpen((o) => !o)}
          aria-expanded={open}
          data-testid="filter-open"
        >
          {t('design.table.filter')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Condition
          filters={filters}
          onApply={(key, value) => {
            state.set({ [key]: value })
            setOpen(false)
          }}
        />
      </Popover.Dropdown>
    </Popover>
  )
}

function Condition({ filters, onApply }: { filters: FilterDef[]; onApply: (key: string, value: string) => void }) {
  const { t } = useTranslation()
  const [field, setField] = useState(filters[0]?.field ?? '')
  const def = filters.find((f) => f.field === field) ?? filters[0]
  const [op, setOp] = useState('')
  const [value, setValue] = useState('')
  if (!def) return null
  const ops = OPS[def.kind]
  const chosenOp = ops.includes(op) ? op : (ops[0] ?? 'eq')
  const apply = () => value !== '' && onApply(filterKey(def.field, chosenOp), toApi(def, value))
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        apply()
      }}
    >
      <Stack gap="xs">
        <Select
          label={t('design.table.field')}
          data={filters.map((f) => ({ value: f.field, label: f.label }))}
          value={def.field}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
          onChange={(v) => {
            setField(v ?? '')
            setValue('')
          }}
        />
        {ops.length > 1 && (
          <Select
            label={t('design.table.condition')}
            data={ops.map((o) => ({ value: o, label: t(`design.table.op.${def.kind === 'time' ? `time_${o}` : o}`) }))}
            value={chosenOp}
            allowDeselect={false}
            comboboxProps={{ withinPortal: false }}
            onChange={(v) => setOp(v ?? '')}
          />
        )}
        <Value def={def} value={value} onChange={setValue} />
        <Button type="submit" disabled={value === ''} data-testid="filter-apply">
          {t('design.table.apply')}
        </Button>
      </Stack>
    </form>
  )
}

function Value({ def, value, onChange }: { def: FilterDef; value: string; onChange: (v: string) => void }) {
  const { t } = useTranslation()
  const label = t('design.table.value')
  switch (def.kind) {
    case 'enum':
      return (
        <Checkbox.Group label={label} value={value ? value.split(',') : []} onChange={(v) => onChange(v.join(','))}>
          <Stack gap={6} mt={4} mah={220} style={{ overflowY: 'auto' }}>
            {def.options?.map((o) => <Checkbox key={o.value} value={o.value} label={o.label} size="xs" />)}
          </Stack>
        </Checkbox.Group>
      )
    case 'bool':
      return (
        <Select
          label={label}
          data={[
            { value: 'true', label: t('design.yes') },
            { value: 'false', label: t('design.no') },
          ]}
          value={value || null}
          comboboxProps={{ withinPortal: false }}
          onChange={(v) => onChange(v ?? '')}
        />
      )
    case 'number':
      return (
        <NumberInput label={def.unit ? `${label} (${def.unit.label})` : label} value={value} onChange={(v) => onChange(String(v))} />
      )
    case 'time':
      return <TextInput type="datetime-local" label={label} value={value} onChange={(e) => onChange(e.currentTarget.value)} />
    default:
      return <TextInput label={label} value={value} onChange={(e) => onChange(e.currentTarget.value)} data-autofocus />
  }
}

/** What the user typed, in the API's units. */
export function toApi(def: FilterDef, value: string): string {
  if (def.kind === 'number' && def.unit) return String(Math.round(Number(value) * def.unit.factor))
  if (def.kind === 'time') return new Date(value).toISOString()
  return value
}
