import { Alert, Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { invalidate, stationPath, useCommand, type Variable } from '../../api'
import { ProblemAlert } from '../../design'
import { nameOf, setPayload, setResult } from './variable'

/** Writes one variable on the station and says what the station made of it. */
export function EditVariable({ station, variable, onClose }: { station: string; variable: Variable; onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [value, setValue] = useState(variable.value ?? '')
  const c = useCommand(station)
  const result = c.command?.status === 'accepted' ? (setResult(c.command.response) ?? 'Accepted') : undefined
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    const done = await c.send({ action: 'SetVariables', payload: setPayload(variable, value) })
    void invalidate(client, [`${stationPath(station)}/variables`])
    if (done?.status === 'accepted' && (setResult(done.response) ?? 'Accepted') === 'Accepted') onClose()
  }
  return (
    <Modal opened onClose={onClose} title={t('device.edit', { name: nameOf(variable) })}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <TextInput label={t('device.field.value')} value={value} onChange={(e) => setValue(e.currentTarget.value)} data-autofocus />
          {result && result !== 'Accepted' && (
            <Alert color="yellow" variant="light">
              {t('device.answered', { result })}
            </Alert>
          )}
          {c.command && c.command.status !== 'accepted' && (
            <Alert color={c.busy ? 'gray' : 'red'} variant="light" role="status">
              {c.command.error || t(`station.command.status.${c.command.status}`)}
            </Alert>
          )}
          <ProblemAlert problem={c.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={c.busy}>
              {t('design.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
