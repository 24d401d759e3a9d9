import { Alert, Button, Checkbox, Group, SegmentedControl, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand, type ActionShape, type Station } from '../../../api'
import { Failed, JsonEditor, Loading, parseJson, prettyJson, ProblemAlert } from '../../../design'
import { CommandState } from '../command/CommandState'
import css from './console.module.css'
import type { Schema, Value } from './schema'
import { SchemaForm } from './SchemaForm'
import { useActionShape } from './useActions'
import { pathText, validate, type Fault } from './validate'

interface Props {
  station: Station
  action: string
  /** Send it as it is, in the station's own version. */
  raw?: boolean
}

/** Any action, with a form drawn from its schema and the JSON behind it. */
export function ActionConsole({ station, action, raw = false }: Props) {
  const { data, problem, retry } = useActionShape(action, raw ? station.protocol : undefined)
  if (problem) return <Failed problem={problem} retry={retry} />
  if (!data) return <Loading />
  return <Composer key={action} station={station} shape={data} raw={raw} />
}

/** The payload as the form and the JSON editor share it. */
function usePayload(shape: ActionShape) {
  const [value, setValue] = useState<Value>(shape.example)
  const [text, setText] = useState(() => prettyJson(shape.example))
  return {
    value,
    text,
    readable: parseJson(text) !== undefined,
    setValue: (v: Value) => {
      setValue(v)
      setText(prettyJson(v))
    },
    setText: (next: string) => {
      setText(next)
      const parsed = parseJson(next)
      if (parsed !== undefined) setValue(parsed)
    },
  }
}

function Composer({ station, shape, raw }: { station: Station; shape: ActionShape; raw: boolean }) {
  const { t } = useTranslation()
  const schema = shape.schema as Schema
  const payload = usePayload(shape)
  const [view, setView] = useState('form')
  const [reason, setReason] = useState('')
  const [force, setForce] = useState(false)
  const [tried, setTried] = useState(false)
  const c = useCommand(station.id)
  const faults = validate(schema, payload.value)
  const blocked = faults.length > 0 && !force
  const submit = (e: FormEvent) => {
    e.preventDefault()
    setTried(true)
    if (blocked) return
    void c.send({ action: shape.action, payload: payload.value, raw, ...(raw && force ? { force } : {}), reason: reason.trim() || undefined })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <div className={css.bar}>
          <p className={css.hint}>{raw ? t('station.console.rawHint', { protocol: station.protocol ?? '' }) : t('station.console.neutralHint')}</p>
          <SegmentedControl
            size="xs"
            value={view}
            onChange={setView}
            aria-label={t('station.console.view')}
            data={[
              { value: 'form', label: t('station.console.form') },
              { value: 'json', label: 'JSON' },
            ]}
          />
        </div>
        {view === 'form' ? (
          <SchemaForm schema={schema} value={payload.value} onChange={payload.setValue} faults={tried ? faults : []} />
        ) : (
          <JsonEditor label={t('station.command.field.payload')} value={payload.text} onChange={payload.setText} testId="console-json" />
        )}
        {(tried || view === 'json') && <Faults faults={faults} />}
        <TextInput label={t('station.command.field.reason')} description={t('station.console.reasonHint')} value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={500} />
        {raw && <Checkbox label={t('station.console.force')} description={t('station.console.forceHint')} checked={force} onChange={(e) => setForce(e.currentTarget.checked)} />}
        <Group>
          <Button type="submit" loading={c.busy} disabled={!payload.readable || (tried && blocked)} data-testid="console-send">
            {t('station.console.send', { action: shape.action })}
          </Button>
        </Group>
        <ProblemAlert problem={c.problem} />
        {c.command && <CommandState command={c.command} />}
      </Stack>
    </form>
  )
}

function Faults({ faults }: { faults: Fault[] }) {
  const { t } = useTranslation()
  if (faults.length === 0) return null
  return (
    <Alert color="yellow" variant="light" title={t('station.console.invalid')} role="alert">
      <ul className={css.faults}>
        {faults.map((f) => (
          <li key={`${pathText(f.path)} ${f.code}`}>
            {f.path.length > 0 && <code>{pathText(f.path)}: </code>}
            {t(`station.console.fault.${f.code}`, { limit: f.limit })}
          </li>
        ))}
      </ul>
    </Alert>
  )
}
