import { SegmentedControl } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { put, stationPath, STATIONS, useChange, useMay, type QuirkSwitch, type Quirks } from '../../../api'
import { DataTable, Panel, ProblemAlert, ToneBadge, type Column } from '../../../design'
import css from './quirks.module.css'
import { choiceOf, switchBody, type Choice } from './switch'

/** Tolerances that are not for everybody: on where the make is known to need them, or where a person says so. */
export function Switches({ station, quirks }: { station: string; quirks: Quirks }) {
  const { t } = useTranslation()
  const may = useMay('station.write')
  const path = `${stationPath(station)}/quirks`
  const turn = useChange(({ name, choice }: { name: string; choice: Choice }) => put<Quirks>(`${path}/${encodeURIComponent(name)}`, switchBody(choice)), [path, STATIONS])
  const columns: Column<QuirkSwitch>[] = [
    { id: 'name', header: t('quirk.switch'), card: 'lead', cell: (s) => <span className={css.text} title={s.name}>{t(`quirk.name.${s.name}`, { defaultValue: s.name })}</span> },
    { id: 'on', header: t('station.field.status'), card: 'badge', cell: (s) => <ToneBadge tone={s.on ? 'active' : 'idle'}>{s.on ? t('quirk.on') : t('quirk.off')}</ToneBadge> },
    { id: 'quirks', header: t('quirk.for'), cell: (s) => <span className={css.text}>{s.quirks.join(', ')}</span> },
    {
      id: 'turn',
      header: t('quirk.turn'),
      cell: (s) => (
        <SegmentedControl
          size="xs"
          aria-label={t('quirk.turnOf', { name: s.name })}
          disabled={!may || turn.busy}
          value={choiceOf(s.forced)}
          onChange={(v) => void turn.run({ name: s.name, choice: v as Choice }).catch(() => undefined)}
          data={(['default', 'on', 'off'] as const).map((value) => ({ value, label: t(`quirk.choice.${value}`) }))}
          data-testid={`switch-${s.name}`}
        />
      ),
    },
  ]
  return (
    <Panel title={t('quirk.switches')} flush>
      <p className={css.note}>{t('quirk.switchesHint')}</p>
      <ProblemAlert problem={turn.problem} />
      <DataTable label={t('quirk.switches')} rows={quirks.switches} columns={columns} rowKey={(s) => s.name} />
    </Panel>
  )
}
