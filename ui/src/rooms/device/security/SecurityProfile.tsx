import { Alert, Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, stationPath, STATIONS, useChange, useMay, useOne, type SecurityState } from '../../../api'
import { Facts, Failed, IconAlert, IconKey, IconShieldLock, Loading, Panel, ProblemAlert } from '../../../design'
import { MoveDialog } from './MoveDialog'
import { Progress } from './Progress'
import { RotateDialog } from './RotateDialog'
import { higher, isUnderWay } from './steps'

/** How the station signs in, and bringing it to something better. */
export function SecurityProfile({ station, protocol }: { station: string; protocol?: string }) {
  const { t } = useTranslation()
  const path = `${stationPath(station)}/security-profile`
  const [busy, setBusy] = useState(false)
  const { data, loading, problem, retry } = useOne<SecurityState>(path, { refetchInterval: busy ? 3_000 : 15_000 })
  const [open, setOpen] = useState<'move' | 'rotate'>()
  const may = useMay('station.write')
  const cancel = useChange(() => del(path), [path, STATIONS])
  const under = isUnderWay(data?.upgrade)
  if (under !== busy) setBusy(under)
  const up = higher(Math.max(data?.security_profile ?? 0, data?.connected_profile ?? 0))
  const actions = may && data && !under && (
    <>
      <Button size="xs" variant="default" leftSection={<IconKey size={15} aria-hidden />} disabled={data.connected_profile >= 3} onClick={() => setOpen('rotate')} data-testid="rotate-password">
        {t('security.rotate')}
      </Button>
      {up.length > 0 && (
        <Button size="xs" leftSection={<IconShieldLock size={15} aria-hidden />} onClick={() => setOpen('move')} data-testid="move-profile">
          {t('security.move')}
        </Button>
      )}
    </>
  )
  return (
    <Panel title={t('station.field.profile')} actions={actions}>
      {problem && <Failed problem={problem} retry={retry} />}
      {!problem && loading && <Loading />}
      {data && (
        <>
          <Profiles state={data} />
          {data.upgrade && <Progress upgrade={data.upgrade} cancel={may ? () => void cancel.run(undefined).catch(() => undefined) : undefined} busy={cancel.busy} />}
          {under && !data.online && (
            <Alert mt="md" color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
              {t('security.offline')}
            </Alert>
          )}
          <ProblemAlert problem={cancel.problem} />
        </>
      )}
      {open === 'move' && data && <MoveDialog station={station} protocol={protocol} choices={up} onClose={() => setOpen(undefined)} />}
      {open === 'rotate' && <RotateDialog station={station} onClose={() => setOpen(undefined)} />}
    </Panel>
  )
}

function Profiles({ state: s }: { state: SecurityState }) {
  const { t } = useTranslation()
  const name = (p: number) => t(`station.profile.${p}`)
  const wanted = isUnderWay(s.upgrade) && s.upgrade.kind === 'profile' ? s.upgrade.target : undefined
  const items: [string, string][] = [
    [t('security.connected'), name(s.connected_profile)],
    [t('security.required'), name(s.security_profile)],
    [t('security.proven'), s.proven_profile > 0 ? name(s.proven_profile) : t('security.notProven')],
  ]
  if (wanted !== undefined) items.push([t('security.wanted'), name(wanted)])
  return <Facts items={items} />
}
