import { Alert, Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { patch, stationPath, STATIONS, useChange, useMay, type Station } from '../../../api'
import { IconAlert, ProblemAlert, useFormat } from '../../../design'
import { NeedsCredentials } from './NeedsCredentials'

/** A station's clock may differ by this much before anybody is told. */
const SKEW_WORTH_TELLING_S = 60

/** What is wrong with the station as a whole, above everything else. */
export function Warnings({ station: s }: { station: Station }) {
  const { t } = useTranslation()
  const f = useFormat()
  const texts = [
    !s.active && t('station.warning.inactive'),
    s.active && !s.operative && t('station.warning.notOperative'),
    s.password_shared && t('station.warning.shared'),
    s.password_pending && t('station.warning.pending'),
    Math.abs(s.clock_skew_s) > SKEW_WORTH_TELLING_S && t('station.warning.clock', { off: f.duration(Math.abs(s.clock_skew_s) * 1000) }),
  ].filter((x) => x !== false && x !== undefined)
  return (
    <>
      <NeedsCredentials station={s} />
      {s.quarantined && <Quarantined station={s} />}
      {texts.map((text) => (
        <Alert key={text} color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
          {text}
        </Alert>
      ))}
    </>
  )
}

function Quarantined({ station }: { station: Station }) {
  const { t } = useTranslation()
  const may = useMay('station.write')
  const lift = useChange(() => patch<Station>(stationPath(station.id), { quarantined: false }), [STATIONS])
  return (
    <Alert color="red" variant="light" icon={<IconAlert size={18} aria-hidden />} title={t('station.warning.quarantined')}>
      {t('station.warning.quarantinedHint')}
      {may && (
        <div style={{ marginTop: 10 }}>
          <Button size="xs" variant="default" loading={lift.busy} onClick={() => void lift.run(undefined).catch(() => undefined)}>
            {t('station.warning.lift')}
          </Button>
        </div>
      )}
      <ProblemAlert problem={lift.problem} />
    </Alert>
  )
}
