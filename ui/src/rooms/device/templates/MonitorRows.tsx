import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { MonitorItem } from '../../../api'
import { IconPlus } from '../../../design'
import css from '../device.module.css'
import { MonitorFields } from '../monitoring/MonitorFields'
import { blankMonitor } from '../monitoring/monitor'
import { Row } from './Row'
import { changed } from './template'

interface Props {
  rows: MonitorItem[]
  onChange: (rows: MonitorItem[]) => void
  readOnly: boolean
}

/** The monitors of a template, one a row. */
export function MonitorRows({ rows, onChange, readOnly }: Props) {
  const { t } = useTranslation()
  return (
    <>
      {rows.length === 0 && <p className={css.dim}>{t('device.monitor.noneInTemplate')}</p>}
      {rows.map((r, i) => (
        <Row key={i} remove={readOnly ? undefined : () => onChange(changed(rows, i, undefined))} label={t('device.template.removeRow', { number: i + 1 })}>
          <MonitorFields value={r} onChange={(x) => onChange(changed(rows, i, x))} readOnly={readOnly} />
        </Row>
      ))}
      {!readOnly && (
        <Button mt={8} variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...rows, blankMonitor()])}>
          {t('device.monitor.add')}
        </Button>
      )}
    </>
  )
}
