import { useTranslation } from 'react-i18next'
import { useMay } from '../../../api'
import { Grid, Panel } from '../../../design'
import { TaskList } from '../firmware/TaskList'
import { NewUpdateButton } from '../firmware/UpdateDialog'
import { Boots } from './Boots'
import { Bundles } from './Bundles'
import { Logs } from './Logs'
import { Notices } from './Notices'

/** Firmware, logs and diagnostics of one station, how it booted and what else it told. */
export function ServiceTab({ station, zone }: { station: string; zone?: string }) {
  const { t } = useTranslation()
  const mayBundle = useMay('station.message')
  return (
    <Grid>
      <Panel title={t('device.firmware.title')} actions={<NewUpdateButton station={station} />} flush>
        <TaskList station={station} />
      </Panel>
      <Logs station={station} />
      {mayBundle && <Bundles station={station} />}
      <Boots station={station} zone={zone} />
      <Notices station={station} zone={zone} />
    </Grid>
  )
}
