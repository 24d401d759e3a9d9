import { ActionIcon, Button, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { IconPlus, IconX } from '../../../design'
import css from '../tariff.module.css'
import { ClockField } from './fields'

interface Quiet {
  start: string
  end: string
}

/** Local times in which nobody pays for standing. */
export function QuietHours({ rows, onChange }: { rows: Quiet[]; onChange: (rows: Quiet[]) => void }) {
  const { t } = useTranslation()
  const set = (i: number, change: Partial<Quiet>) => onChange(rows.map((r, n) => (n === i ? { ...r, ...change } : r)))
  return (
    <div className={css.wide}>
      {rows.map((r, i) => (
        <Group key={i} align="end" gap="sm" mb={8}>
          <ClockField type="time" place={`forecourt.idle.quiet_hours[${i}].start`} label={t('tariff.edit.quietFrom')} value={r.start} onChange={(v) => set(i, { start: v ?? '00:00' })} />
          <ClockField type="time" place={`forecourt.idle.quiet_hours[${i}].end`} label={t('tariff.edit.toTime')} value={r.end} onChange={(v) => set(i, { end: v ?? '00:00' })} />
          <ActionIcon variant="subtle" color="gray" mb={4} aria-label={t('tariff.edit.dropQuiet', { number: i + 1 })} onClick={() => onChange(rows.filter((_, n) => n !== i))}>
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...rows, { start: '22:00', end: '07:00' }])}>
        {t('tariff.edit.addQuiet')}
      </Button>
    </div>
  )
}
