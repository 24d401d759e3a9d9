import { Button, Checkbox, Group, JsonInput, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand, type Station } from '../../../api'
import { ProblemAlert } from '../../../design'
import css from './command.module.css'
import { CommandState } from './CommandState'

/** Any action with any payload; raw ones go out as they are, in the station's own version. */
export function ConsoleForm({ station }: { station: Station }) {
  const { t } = useTranslation()
  const [action, setAction] = useState('')
  const [text, setText] = useState('{}')
  const [raw, setRaw] = useState(false)
  const [reason, setReason] = useState('')
  const c = useCommand(station.id)
  const payload = parse(text)
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void c.send({ action: action.trim(), payload, raw, reason: reason.trim() || undefined })
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <div className={css.fields}>
          <TextInput label={t('station.command.field.action')} value={action} onChange={(e) => setAction(e.currentTarget.value)} required placeholder="DataTransfer" />
          <TextInput label={t('station.command.field.reason')} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
        </div>
        <JsonInput
          label={t('station.command.field.payload')}
          value={text}
          onChange={setText}
          error={payload === undefined ? t('station.command.badJson') : undefined}
          formatOnBlur
          autosize
          minRows={8}
          maxRows={24}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
        />
        <Checkbox
          label={t('station.command.raw')}
          description={t('station.command.rawHint', { protocol: station.protocol ?? '' })}
          checked={raw}
          onChange={(e) => setRaw(e.currentTarget.checked)}
        />
        <Group>
          <Button type="submit" loading={c.busy} disabled={action.trim() === '' || payload === undefined}>
            {t('station.command.send')}
          </Button>
        </Group>
        <ProblemAlert problem={c.problem} />
        {c.command && <CommandState command={c.command} />}
      </Stack>
    </form>
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
