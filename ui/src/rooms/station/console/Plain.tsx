import { NumberInput, Select, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { InstantInput, parseJson } from '../../../design'
import { kindOf, type Schema, type Value } from './schema'
import type { Fault } from './validate'

interface Props {
  name: string
  schema: Schema
  required: boolean
  value: Value
  onChange: (v: Value) => void
  fault?: Fault
}

/** From here on a text gets several lines. */
const LONG_TEXT = 300

/** One value that is not made of others. Emptied, it leaves the payload. */
export function Plain({ name, schema: s, required, value, onChange, fault }: Props) {
  const { t } = useTranslation()
  const error = fault && t(`station.console.fault.${fault.code}`, { limit: fault.limit })
  const common = { label: <code>{name}</code>, 'aria-label': name, required, withAsterisk: required, error }
  switch (kindOf(s)) {
    case 'choice':
      return (
        <Select
          {...common}
          data={s.enum}
          value={typeof value === 'string' && value !== '' ? value : null}
          onChange={(v) => onChange(v ?? undefined)}
          clearable={!required}
          searchable={(s.enum?.length ?? 0) > 8}
        />
      )
    case 'boolean':
      return (
        <Select
          {...common}
          data={[
            { value: 'true', label: 'true' },
            { value: 'false', label: 'false' },
          ]}
          value={typeof value === 'boolean' ? String(value) : null}
          onChange={(v) => onChange(v === null ? undefined : v === 'true')}
          clearable={!required}
        />
      )
    case 'integer':
    case 'number':
      return (
        <NumberInput
          {...common}
          value={typeof value === 'number' ? value : ''}
          onChange={(v) => onChange(typeof v === 'number' ? v : v === '' ? undefined : Number(v))}
          allowDecimal={s.type === 'number'}
          min={s.minimum}
          max={s.maximum}
          clampBehavior="none"
        />
      )
    case 'instant':
      return <InstantInput {...common} value={typeof value === 'string' ? value : undefined} onChange={onChange} />
    case 'any':
      return <TextInput {...common} value={typeof value === 'string' ? value : JSON.stringify(value ?? '')} onChange={(e) => onChange(anything(e.currentTarget.value))} />
    default:
      return <TextField {...common} long={(s.maxLength ?? 0) > LONG_TEXT} value={typeof value === 'string' ? value : ''} onChange={(v) => onChange(v === '' && !required ? undefined : v)} />
  }
}

/** JSON where it is JSON, else the text itself. */
const anything = (text: string): Value => (text === '' ? undefined : (parseJson(text) ?? text))

interface TextProps {
  long: boolean
  value: string
  onChange: (v: string) => void
}

function TextField({ long, value, onChange, ...common }: TextProps & Record<string, unknown>) {
  return long ? (
    <Textarea {...common} value={value} onChange={(e) => onChange(e.currentTarget.value)} autosize minRows={2} maxRows={8} />
  ) : (
    <TextInput {...common} value={value} onChange={(e) => onChange(e.currentTarget.value)} />
  )
}
