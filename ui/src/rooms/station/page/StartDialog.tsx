import { Autocomplete, Button, Group, Modal, Stack } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand, useList, useMay, type Evse, type IdToken, type Station } from '../../../api'
import { ProblemAlert } from '../../../design'
import { CommandState } from '../command/CommandState'
import { startPayload } from '../command/payload'

/** Starts a session from afar, in the name of an id token. */
export function StartDialog({ station, evse, onClose }: { station: Station; evse: Evse; onClose: () => void }) {
  const { t } = useTranslation()
  const { rows } = useList<IdToken>('/id-tokens', { status: 'active' }, { enabled: useMay('token.read') })
  const [token, setToken] = useState('')
  const c = useCommand(station.id)
  const submit = (e: FormEvent) => {
    e.preventDefault()
    const type = rows.find((r) => r.id_token === token)?.type ?? 'Central'
    void c.send({ action: 'RequestStartTransaction', payload: startPayload(evse.id, token.trim(), type) })
  }
  return (
    <Modal opened onClose={onClose} title={t('station.evse.startTitle', { station: station.id, evse: evse.id })}>
      <form onSubmit={submit}>
        <Stack>
          <Autocomplete
            label={t('session.field.idToken')}
            description={t('station.evse.startHint')}
            data={[...new Set(rows.map((r) => r.id_token))]}
            value={token}
            onChange={setToken}
            limit={20}
            required
            maxLength={255}
            data-autofocus
            data-testid="start-token"
          />
          <ProblemAlert problem={c.problem} />
          {c.command && <CommandState command={c.command} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {c.command ? t('design.close') : t('design.cancel')}
            </Button>
            <Button type="submit" loading={c.busy} disabled={token.trim() === ''} data-testid="start-send">
              {t('station.evse.start')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
