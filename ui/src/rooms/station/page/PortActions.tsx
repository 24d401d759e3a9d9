import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay, type Evse, type Station } from '../../../api'
import { ReserveButton } from '../../reservation'
import { CommandDialog, type Quick } from './CommandDialog'
import css from './page.module.css'
import { StartDialog } from './StartDialog'

/** What an operator does with a port most: start or stop, unlock, take out of service. */
export function PortActions({ station, evse }: { station: Station; evse: Evse }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState<Quick | 'start'>()
  const close = () => setOpen(undefined)
  const actions = useQuicks(evse)
  if (!useMay('station.command')) return null
  return (
    <div className={css.evseActions}>
      {evse.session_id ? (
        <Action online={station.online} quick={actions.stop(evse.session_id)} open={setOpen} testId={`stop-${evse.id}`} />
      ) : (
        <Button size="xs" disabled={!station.online} onClick={() => setOpen('start')} data-testid={`start-${evse.id}`}>
          {t('station.evse.start')}
        </Button>
      )}
      {!evse.session_id && <ReserveButton station={station.id} evse={evse.id} />}
      <Action online={station.online} quick={actions.unlock} open={setOpen} />
      <Action online={station.online} quick={actions.availability} open={setOpen} />
      {open === 'start' && <StartDialog station={station} evse={evse} onClose={close} />}
      {open && open !== 'start' && <CommandDialog station={station} quick={open} onClose={close} />}
    </div>
  )
}

function Action({ quick, online, open, testId }: { quick: Quick; online: boolean; open: (q: Quick) => void; testId?: string }) {
  return (
    <Button size="xs" variant="default" disabled={!online} onClick={() => open(quick)} data-testid={testId}>
      {quick.label}
    </Button>
  )
}

function useQuicks(evse: Evse) {
  const { t } = useTranslation()
  const closed = evse.status === 'unavailable'
  const availability = (operationalStatus: string) => ({ action: 'ChangeAvailability', payload: { evse: { id: evse.id }, operationalStatus } })
  return {
    stop: (session: string): Quick => ({ label: t('station.evse.stop'), confirm: t('station.evse.stopConfirm'), command: { stop: session } }),
    unlock: {
      label: t('station.evse.unlock'),
      confirm: t('station.evse.unlockConfirm'),
      command: { action: 'UnlockConnector', payload: { evseId: evse.id, connectorId: evse.connectors?.[0]?.id ?? 1 } },
    } satisfies Quick,
    availability: (closed
      ? { label: t('station.evse.enable'), confirm: t('station.evse.enableConfirm'), command: availability('Operative') }
      : { label: t('station.evse.disable'), confirm: t('station.evse.disableConfirm'), command: availability('Inoperative') }) satisfies Quick,
  }
}
