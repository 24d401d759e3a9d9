import { Autocomplete, Button, Group, NumberInput, Select, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand, useList, useMay, type IdToken, type Station } from '../../../api'
import { ProblemAlert } from '../../../design'
import css from './command.module.css'
import { CommandState } from './CommandState'
import type { CommandForm, Field, Values } from './forms'

export function ActionForm({ form, station }: { form: CommandForm; station: Station }) {
  const { t } = useTranslation()
  const [values, setValues] = useState<Values>(() => initial(form))
  const c = useCommand(station.id)
  const missing = form.fields.some((f) => f.required && !values[f.name])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void c.send({ action: form.action, payload: form.payload(values, station) })
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <div className={css.fields}>
          {form.fields.map((f) => (
            <Input
              key={f.name}
              field={f}
              station={station}
              value={values[f.name] ?? ''}
              onChange={(v) => setValues((old) => ({ ...old, [f.name]: v }))}
            />
          ))}
        </div>
        <Group>
          <Button type="submit" loading={c.busy} disabled={missing} data-testid="command-send">
            {t('station.command.send')}
          </Button>
        </Group>
        <ProblemAlert problem={c.problem} />
        {c.command && <CommandState command={c.command} />}
      </Stack>
    </form>
  )
}

const initial = (form: CommandForm): Values => Object.fromEntries(form.fields.map((f) => [f.name, f.initial ?? '']))

interface InputProps {
  field: Field
  station: Station
  value: string
  onChange: (v: string) => void
}

function Input({ field: f, station, value, onChange }: InputProps) {
  const { t } = useTranslation()
  const label = t(`station.command.field.${f.name}`)
  switch (f.kind) {
    case 'evse':
      return (
        <Select
          label={label}
          data={evseOptions(station, f.initial, t('station.command.wholeStation'), (id) => t('station.evse.title', { id }))}
          value={value}
          onChange={(v) => onChange(v ?? '')}
          allowDeselect={false}
          required={f.required}
        />
      )
    case 'choice':
      return (
        <Select
          label={label}
          data={f.options}
          value={value || null}
          onChange={(v) => onChange(v ?? '')}
          clearable={!f.required}
          allowDeselect={!f.required}
          required={f.required}
          searchable={(f.options?.length ?? 0) > 6}
        />
      )
    case 'number':
      return <NumberInput label={label} value={value} onChange={(v) => onChange(String(v))} required={f.required} min={0} />
    case 'token':
      return <TokenInput label={label} value={value} onChange={onChange} />
    default:
      return <TextInput label={label} value={value} onChange={(e) => onChange(e.currentTarget.value)} required={f.required} />
  }
}

function TokenInput({ label, value, onChange }: { label: string; value: string; onChange: (v: string) => void }) {
  const { rows } = useList<IdToken>('/id-tokens', { status: 'active' }, { enabled: useMay('token.read') })
  return (
    <Autocomplete label={label} data={[...new Set(rows.map((r) => r.id_token))]} value={value} onChange={onChange} limit={20} required maxLength={255} />
  )
}

/** "0" means the whole station where OCPP counts it as EVSE 0, and "" where the EVSE is simply left out. */
function evseOptions(station: Station, first: string | undefined, whole: string, name: (id: number) => string) {
  const ids = (station.evses ?? []).map((e) => e.id)
  const evses = (ids.length > 0 ? ids : [1]).map((id) => ({ value: String(id), label: name(id) }))
  return first === '1' ? evses : [{ value: first ?? '', label: whole }, ...evses]
}
