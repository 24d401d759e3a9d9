import { Autocomplete, Button, Group, Modal, Select, Stack } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useFleet, useList, useMay, type IdToken, type Reservation, type ReservationInput } from '../../api'
import { IconPlus, InstantInput, ProblemAlert } from '../../design'

const HALF_AN_HOUR = 30 * 60_000

interface ButtonProps {
  station?: string
  evse?: number
}

/** Opens the form; on a port's card it is for that port. */
export function ReserveButton({ station, evse }: ButtonProps) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  if (!useMay('reservation.write')) return null
  const small = station !== undefined
  return (
    <>
      <Button size={small ? 'xs' : undefined} variant={small ? 'default' : undefined} leftSection={small ? undefined : <IconPlus size={16} aria-hidden />} onClick={() => setOpen(true)} data-testid="reserve">
        {t('reservation.add')}
      </Button>
      {open && <ReserveDialog station={station} evse={evse} onClose={() => setOpen(false)} />}
    </>
  )
}

function ReserveDialog({ station, evse, onClose }: ButtonProps & { onClose: () => void }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState<ReservationInput>({ station_id: station ?? '', evse_id: evse ?? 0, id_token: '', expires_at: new Date(Date.now() + HALF_AN_HOUR).toISOString() })
  const { rows: fleet } = useFleet()
  const { rows: tokens } = useList<IdToken>('/id-tokens', { status: 'active' }, { enabled: useMay('token.read') })
  const make = useChange((body: ReservationInput) => post<Reservation>('/reservations', body), ['/reservations', '/charging-stations'])
  const set = (change: Partial<ReservationInput>) => setDraft({ ...draft, ...change })
  const evses = fleet?.find((s) => s.id === draft.station_id)?.evses ?? []
  const rejected = make.result?.status === 'rejected' ? make.result : undefined
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    const type = tokens.find((x) => x.id_token === draft.id_token)?.type
    const made = await make.run({ ...draft, ...(type ? { type } : {}) }).catch(() => undefined)
    if (made && made.status !== 'rejected') onClose()
  }
  return (
    <Modal opened onClose={onClose} title={t('reservation.add')}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          {!station && (
            <Select label={t('station.field.id')} data={(fleet ?? []).map((s) => s.id)} value={draft.station_id || null} onChange={(v) => set({ station_id: v ?? '', evse_id: 0 })} searchable limit={100} required />
          )}
          <Select
            label={t('session.field.evse')}
            data={[{ value: '0', label: t('reservation.any') }, ...evses.map((x) => ({ value: String(x.id), label: t('station.evse.title', { id: x.id }) }))]}
            value={String(draft.evse_id ?? 0)}
            onChange={(v) => set({ evse_id: Number(v) })}
            allowDeselect={false}
          />
          <Autocomplete label={t('session.field.idToken')} data={[...new Set(tokens.map((x) => x.id_token))]} value={draft.id_token} onChange={(id_token) => set({ id_token })} limit={20} required maxLength={255} data-testid="reserve-token" />
          <InstantInput label={t('reservation.field.expires')} value={draft.expires_at} onChange={(at) => set({ expires_at: at ?? '' })} required />
          {rejected && <ProblemAlert problem={{ status: 409, title: '', detail: rejected.reason ?? '', unreachable: false, errors: [] }} />}
          <ProblemAlert problem={make.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={make.busy} disabled={!draft.station_id || !draft.id_token || !draft.expires_at} data-testid="reserve-save">
              {t('reservation.add')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
