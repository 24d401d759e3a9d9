import { Alert, Button, Checkbox, Group, MultiSelect, NumberInput, Select, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { patch, stationPath, useChange, variablesPath, type Variable, type WrittenVariables } from '../../../api'
import { ProblemAlert } from '../../../design'
import { allowedOf, checkValue, inputOf, itemOf } from './variable'

/** Writes one variable: for good, so that it is set again when it drifts, or once. */
export function VariableForm({ station, variable: v, onDone }: { station: string; variable: Variable; onDone: () => void }) {
  const { t } = useTranslation()
  const [value, setValue] = useState(v.value)
  const [keep, setKeep] = useState(true)
  const write = useChange(
    (body: { variables: unknown[]; once?: boolean }) => patch<WrittenVariables>(variablesPath(station), body),
    [stationPath(station), '/desired-variables'],
  )
  const fault = value === v.value ? undefined : checkValue(v, value)
  const result = write.result?.results[0]
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    const done = await write.run({ variables: [itemOf(v, value)], ...(keep ? {} : { once: true }) }).catch(() => undefined)
    const status = done?.results[0]?.status
    if (status === 'pending' || status === 'Accepted') onDone()
  }
  return (
    <form onSubmit={(e) => void submit(e)}>
      <Stack gap="sm">
        <ValueInput variable={v} value={value} onChange={setValue} error={fault && t(`device.fault.${fault.code}`, { limit: fault.limit })} />
        <Checkbox label={t('device.keep')} description={t('device.keepHint')} checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} />
        {result && (
          <Alert color="yellow" variant="light" role="status">
            {t('device.answered', { result: [result.status, result.detail].filter(Boolean).join(' – ') })}
            {result.desired_by && ` ${t('device.desiredBy', { rule: result.desired_by })}`}
          </Alert>
        )}
        <ProblemAlert problem={write.problem} />
        <Group justify="flex-end">
          <Button type="submit" loading={write.busy} disabled={fault !== undefined} data-testid="variable-save">
            {t('design.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

interface InputProps {
  variable: Variable
  value: string
  onChange: (v: string) => void
  error?: string
}

function ValueInput({ variable: v, value, onChange, error }: InputProps) {
  const { t } = useTranslation()
  const common = { label: t('device.newValue'), error, 'data-testid': 'variable-value' }
  switch (inputOf(v)) {
    case 'boolean':
      return <Select {...common} data={['true', 'false']} value={value.toLowerCase() || null} onChange={(x) => onChange(x ?? '')} allowDeselect={false} />
    case 'one':
      return <Select {...common} data={withOwn(allowedOf(v), [value])} value={value || null} onChange={(x) => onChange(x ?? '')} allowDeselect={false} searchable />
    case 'several':
      return <MultiSelect {...common} data={withOwn(allowedOf(v), members(value))} value={members(value)} onChange={(x) => onChange(x.join(','))} searchable />
    case 'number':
      return <NumberInput {...common} value={value} onChange={(x) => onChange(String(x))} suffix={v.unit ? ` ${v.unit}` : undefined} />
    default:
      return <TextInput {...common} value={value} onChange={(e) => onChange(e.currentTarget.value)} rightSection={v.unit} />
  }
}

const members = (value: string) => value.split(',').map((x) => x.trim()).filter(Boolean)

/** The station may hold a value that its own list does not name. */
const withOwn = (allowed: string[], own: string[]) => [...new Set([...allowed, ...own.filter(Boolean)])]
