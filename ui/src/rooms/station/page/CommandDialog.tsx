import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { get, useCommand, type NewCommand, type Session, type Station } from '../../../api'
import { ProblemAlert } from '../../../design'
import { CommandState } from '../command/CommandState'

/** A command that needs no form. */
export interface Quick {
  label: string
  /** What will happen, asked before it does. */
  confirm: string
  /** The command, or the session it is to end. */
  command: NewCommand | { stop: string }
}

/** Asks, sends, and shows what the station said. Stays open when the port changes because of it. */
export function CommandDialog({ station, quick, onClose }: { station: Station; quick: Quick; onClose: () => void }) {
  const { t } = useTranslation()
  const c = useCommand(station.id)
  const sent = c.command !== undefined
  return (
    <Modal opened onClose={onClose} title={quick.label}>
      <Stack>
        <Text size="sm">{quick.confirm}</Text>
        <ProblemAlert problem={c.problem} />
        {c.command && <CommandState command={c.command} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {sent ? t('design.close') : t('design.cancel')}
          </Button>
          {!sent && (
            <Button loading={c.busy} onClick={() => void c.send(() => resolve(quick.command))} data-testid="confirm">
              {quick.label}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  )
}

/** A session knows its transaction's name on the station. */
async function resolve(command: Quick['command']): Promise<NewCommand> {
  if ('action' in command) return command
  const s = await get<Session>(`/sessions/${encodeURIComponent(command.stop)}`)
  return { action: 'RequestStopTransaction', payload: { transactionId: s.transaction_id ?? '' } }
}
